package testservers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// Nginx is a running nginx with its own configuration, logs and files.
type Nginx struct {
	Dir string // its files are below Dir/www
}

// StartNginx starts nginx for one test. servers are blocks of its configuration; ports are those that they listen on.
func StartNginx(t testing.TB, servers string, ports ...int) *Nginx {
	t.Helper()
	const program = "/usr/sbin/nginx"
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("it is not there: apt-get install nginx-light (%v)", err)
	}
	dir, err := workDir(nil)
	if err != nil {
		t.Fatal(err)
	}
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n"
	}
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		servers = fmt.Sprintf("%s_temp_path %s;\n", kind, filepath.Join(dir, kind)) + servers
	}
	text := user + "daemon off;\nmaster_process off;\npid " + filepath.Join(dir, "pid") + ";\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\nroot " + filepath.Join(dir, "www") + ";\n" + servers + "}\n"
	if err := os.MkdirAll(filepath.Join(dir, "www"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &throwaway.Log{}
	process, err := throwaway.Launch(dir, throwaway.Command(dir, nil, log, program, "-p", dir, "-c", filepath.Join(dir, "nginx.conf")), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { process.Stop(syscall.SIGTERM) })
	err = process.Wait(startTimeout, func() bool {
		for _, port := range ports {
			c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				return false
			}
			c.Close()
		}
		return true
	})
	if err != nil {
		t.Fatalf("starting nginx: %v", err)
	}
	return &Nginx{Dir: dir}
}

// Write writes a file that is served, by its path below the root.
func (n *Nginx) Write(t testing.TB, path string, text []byte) {
	t.Helper()
	path = filepath.Join(n.Dir, "www", path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
