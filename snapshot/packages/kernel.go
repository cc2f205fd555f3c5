package packages

import (
	"regexp"
	"strings"

	debversion "github.com/knqyf263/go-deb-version"
)

// kernelVersion finds the version inside the name of a kernel package, as Debian (6.1.0-13, 6.1.0-0.deb11.13,
// 6.12.9+bpo), Ubuntu (5.15.0-91) and Proxmox (6.5.11-4) write it.
var kernelVersion = regexp.MustCompile(`-\d+\.\d+(?:\.\d+)*(?:\+[a-z0-9.]+|(?:-rc\d+)?-\d+(?:\.deb\d+(?:\.\d+)*)?(?:\.\d+)?)?(-|$)`)

// kernelPrefixes begin the names of packages that come with every kernel anew.
var kernelPrefixes = [...]string{"linux-image-", "linux-headers-", "linux-modules-", "linux-kbuild-", "linux-tools-", "linux-cloud-tools-",
	"linux-buildinfo-", "linux-objects-", "linux-signatures-", "linux-source-", "linux-support-", "linux-compiler-", "linux-bpf-dev-",
	"linux-hwe-", "pve-kernel-", "pve-headers-", "proxmox-kernel-", "proxmox-headers-"}

// foldKernel replaces the version in a kernel package's name, so that all of them are
// one package: linux-image-VERSION-amd64.
func foldKernel(name string) string {
	for _, p := range kernelPrefixes {
		if strings.HasPrefix(name, p) {
			if at := kernelVersion.FindStringSubmatchIndex(name); at != nil {
				return name[:at[0]] + "-VERSION" + name[at[2]:]
			}
			return name
		}
	}
	return name
}

// newerDeb reports whether a is newer than b by Debian's ordering. What is no version orders by its text, so that the
// result never depends on the order of the stanzas.
func newerDeb(a, b string) bool {
	va, errA := debversion.NewVersion(a)
	vb, errB := debversion.NewVersion(b)
	if errA != nil || errB != nil {
		return a > b
	}
	if c := va.Compare(vb); c != 0 {
		return c > 0
	}
	return a > b
}
