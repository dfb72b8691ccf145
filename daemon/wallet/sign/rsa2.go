package sign

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// minRSABits is what RSA2 asks for (Alipay open docs, "signature": 2048 bits).
const minRSABits = 2048

// RSA2Request gives the signature of an Alipay request: all params but sign, with sign_type taking part.
func RSA2Request(key *rsa.PrivateKey, params map[string]string) (string, error) {
	return RSA2(key, []byte(Content(params, "sign")))
}

// CheckRSA2Request checks the sign member of an Alipay request.
func CheckRSA2Request(key *rsa.PublicKey, params map[string]string) error {
	return CheckRSA2(key, []byte(Content(params, "sign")), params["sign"])
}

// RSA2 signs content with SHA256withRSA (PKCS #1 v1.5) and gives the signature in Base64.
func RSA2(key *rsa.PrivateKey, content []byte) (string, error) {
	sum := sha256.Sum256(content)
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign rsa2: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}

// CheckRSA2 checks a Base64 signature over exactly these bytes. It answers ErrMissing or ErrWrong.
func CheckRSA2(key *rsa.PublicKey, content []byte, signature string) error {
	if signature == "" {
		return ErrMissing
	}
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("%w: not base64", ErrWrong)
	}
	sum := sha256.Sum256(content)
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) != nil {
		return ErrWrong
	}
	return nil
}

// ParsePrivateKey reads an RSA private key: PEM (PKCS #8 or #1), or the bare Base64 line that Alipay's key tool writes.
// Its errors never hold a byte of the text.
func ParsePrivateKey(text []byte) (*rsa.PrivateKey, error) {
	der, err := derOf(text)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		parsed, err8 := x509.ParsePKCS8PrivateKey(der)
		if err8 != nil {
			return nil, errors.New("private key: neither PKCS #8 nor PKCS #1")
		}
		var ok bool
		if key, ok = parsed.(*rsa.PrivateKey); !ok {
			return nil, errors.New("private key: not an RSA key")
		}
	}
	if key.N.BitLen() < minRSABits {
		return nil, fmt.Errorf("private key: %d bits, want at least %d", key.N.BitLen(), minRSABits)
	}
	return key, nil
}

// ParsePublicKey reads an RSA public key: PEM (PKIX or PKCS #1), a certificate, or the bare Base64 line of Alipay's console.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	der, err := derOf(text)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	key, err := parsePublic(der)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	if key.N.BitLen() < minRSABits {
		return nil, fmt.Errorf("public key: %d bits, want at least %d", key.N.BitLen(), minRSABits)
	}
	return key, nil
}

func parsePublic(der []byte) (*rsa.PublicKey, error) {
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, nil
	}
	var parsed any
	if cert, err := x509.ParseCertificate(der); err == nil {
		parsed = cert.PublicKey
	} else if parsed, err = x509.ParsePKIXPublicKey(der); err != nil {
		return nil, errors.New("neither PKIX, PKCS #1 nor a certificate")
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return key, nil
}

func derOf(text []byte) ([]byte, error) {
	if block, _ := pem.Decode(text); block != nil {
		return block.Bytes, nil
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil || len(der) == 0 {
		return nil, errors.New("neither PEM nor Base64")
	}
	return der, nil
}
