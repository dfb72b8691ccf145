package sign

import (
	"crypto/md5"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"strings"
)

// CertSN is how Alipay names a certificate in app_cert_sn and alipay_cert_sn: MD5 over the issuer's name and the serial number
// in decimal (open docs, "certificate mode").
func CertSN(c *x509.Certificate) string {
	sum := md5.Sum([]byte(c.Issuer.String() + c.SerialNumber.String()))
	return hex.EncodeToString(sum[:])
}

// RootCertSN names a bundle of root certificates in alipay_root_cert_sn: the names of those signed with RSA, joined by "_". The
// SM2 ones of the published bundle take no part.
func RootCertSN(roots []*x509.Certificate) (string, error) {
	var names []string
	for _, c := range roots {
		switch c.SignatureAlgorithm {
		case x509.SHA1WithRSA, x509.SHA256WithRSA:
			names = append(names, CertSN(c))
		default: // not RSA
		}
	}
	if len(names) == 0 {
		return "", errors.New("no root certificate that is signed with RSA")
	}
	return strings.Join(names, "_"), nil
}

// ParseCertificates reads the certificates of a PEM text. What cannot be read is left out: Alipay's bundle of roots has
// certificates over SM2, which this package does not know.
func ParseCertificates(text []byte) (list []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no certificate that can be read")
	}
	return list, nil
}
