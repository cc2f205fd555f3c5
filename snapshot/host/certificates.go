package host

import (
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/envdiff/envdiff/snapshot"
)

// maxBundle is how many certificates a file of a server may hold: the server's own and those between it and its root. A file of more is a list of whom to trust.
const maxBundle = 6

// readCertificates reads until when the certificates below /etc are valid. Of a chain the first is the server's own.
func readCertificates(rd *reader) {
	files, complete := rd.files("certificates", rd.at("certificate", ""), "certificate/*")
	if complete {
		rd.looked("certificate/*")
	}
	for _, f := range files {
		cert, ok := serverCertificate(f.Body)
		if !ok {
			continue
		}
		a := rd.at("certificate", f.Path[1:])
		rd.r.Add(a.Attr("not_after"), snapshot.String(cert.NotAfter.UTC().Format(time.RFC3339)), f.Path)
		rd.r.Add(a.Attr("subject"), rd.in.Redact.Line(cert.Subject.String()), f.Path)
		rd.r.Add(a.Attr("issuer"), rd.in.Redact.Line(cert.Issuer.String()), f.Path)
		if len(cert.DNSNames) > 0 {
			rd.r.Add(a.Attr("names"), snapshot.Strings(true, cert.DNSNames...), f.Path)
		}
	}
}

func serverCertificate(text []byte) (first *x509.Certificate, ok bool) {
	count := 0
	for count <= maxBundle {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		count++
		if first != nil {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || cert.NotAfter.Year() > 9999 {
			return nil, false
		}
		first = cert
	}
	return first, first != nil && count <= maxBundle
}
