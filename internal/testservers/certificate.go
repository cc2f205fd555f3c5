package testservers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/envdiff/envdiff/internal/throwaway"
)

// Certificate is a server's certificate with its key, and the authority that signed it: paths that servers and clients can read.
type Certificate struct{ Path, Key, Authority string }

// NewCertificate makes a certificate for a host name until a moment, for one test.
func NewCertificate(t testing.TB, host string, until time.Time) Certificate {
	t.Helper()
	owner, err := throwaway.Account()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := workDir(owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	begin := time.Now().Add(-48 * time.Hour)
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the test's authority"}, NotBefore: begin, NotAfter: begin.Add(1000 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: begin, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	signer, own := newKey(t), newKey(t)
	write := func(name, block string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		if owner != nil {
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	signed := func(c *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
		return x509.CreateCertificate(rand.Reader, c, authority, &key.PublicKey, signer)
	}
	authorityBytes, err := signed(authority, signer)
	c := Certificate{Authority: write("authority.pem", "CERTIFICATE", authorityBytes, err)}
	serverBytes, err := signed(server, own)
	c.Path = write("server.pem", "CERTIFICATE", serverBytes, err)
	keyBytes, err := x509.MarshalPKCS8PrivateKey(own)
	c.Key = write("server.key", "PRIVATE KEY", keyBytes, err)
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
