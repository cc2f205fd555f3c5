package cmd

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/envdiff/envdiff/cmd/config"
	"github.com/envdiff/envdiff/internal/keys"
)

// keyFile holds the two keys that init made, beside envdiff.yaml: NAME=value lines, mode 0600, git-ignored.
const keyFile = ".envdiff/keys.env"

// newKeyFile is a key file with two new keys.
func newKeyFile() []byte {
	return fmt.Appendf(nil, "# envdiff's keys: digests and pseudonyms depend on them. Keep them secret and keep a copy: a lost key makes\n"+
		"# stored snapshots incomparable and changes every pseudonym.\nENVDIFF_KEY=%s\nENVDIFF_PSEUDONYM_KEY=%s\n", keys.New().Encode(), keys.New().Encode())
}

// lookup resolves ${VAR}: the environment first, then the key file.
func (s *session) lookup(name string) (string, bool) {
	if v, ok := s.world.LookupEnv(name); ok && v != "" {
		return v, true
	}
	v, ok := s.fileVars[name]
	return v, ok
}

// readKeyFile reads the key file if there is one; what is wrong with it is a warning,
// since the environment may hold the keys.
func (s *session) readKeyFile(path string) {
	f, err := os.Open(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.warn("%s cannot be read", path)
		}
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		s.warn("%s is readable by others: chmod 600 it", path)
	}
	s.fileVars = map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if ok && !strings.HasPrefix(name, "#") {
			s.fileVars[name] = strings.TrimSpace(value)
		}
	}
}

// key reads one of the two keys. needed says whether the run cannot do without; otherwise a key that is not configured
// is a key of this run alone.
func (s *session) key(text config.Text, name string, needed bool) (keys.Key, error) {
	const hint = "envdiff init makes both keys, or set the variable to 32 random bytes in base64: openssl rand -base64 32"
	if text == "" {
		if needed {
			return keys.Key{}, hinted(fmt.Errorf("keys.%s is not configured", name),
				"envdiff init makes the key file; envdiff.yaml names it: keys: {redact: \"${ENVDIFF_KEY}\", pseudonym: \"${ENVDIFF_PSEUDONYM_KEY}\"}")
		}
		return keys.New(), nil
	}
	value, err := text.Expand(s.lookup, "keys."+name)
	if err != nil {
		var unset *config.UnsetError
		if !needed && errors.As(err, &unset) {
			return keys.New(), nil
		}
		return keys.Key{}, hinted(err, hint)
	}
	k, err := keys.Parse(value)
	if err != nil {
		return keys.Key{}, hinted(fmt.Errorf("keys.%s: %w", name, err), hint)
	}
	return k, nil
}
