package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"posd/hwtest/walletsim"
)

// The files of a wallet's keys. Each private one is readable by its owner only.
const (
	alipayAppKey     = "alipay-app.key"        // the merchant signs with it
	alipayAppPub     = "alipay-app.pub"        // and the gateway checks
	alipayGatewayKey = "alipay-gateway.key"    // the gateway signs with it
	alipayGatewayPub = "alipay-gateway.pub"    // and the merchant checks
	wechatAPIKey     = "wechat-api.key"        // both ends have it
	wechatCert       = "apiclient_cert.pem"    // the merchant's, as WeChat calls it
	wechatCertKey    = "apiclient_key.pem"     //
	wechatPlatform   = "wechat-platform"       // a folder: with what v3 signs, by its id
	wechatV3Key      = "wechat-platform.key"   // v3 signs with it
	walletCA         = "wallet-ca.pem"         // has signed both certificates
	walletCert       = "wallet-server.pem"     // the gateway's
	walletCertKey    = "wallet-server-key.pem" //
	walletExpired    = "wallet-expired.pem"    // the gateway's of last year
	walletExpiredKey = "wallet-expired-key.pem"
)

// wechatV3ID is the id of v3's public key, and begins with what the real ones begin with.
const wechatV3ID = "PUB_KEY_ID_0119000000012026010100000000000001"

// walletKeys are the keys of both ends of a simulated gateway.
type walletKeys struct {
	alipayApp     *rsa.PrivateKey
	alipayGateway *rsa.PrivateKey
	wechatAPI     string
	wechatV3      walletsim.WeChatV3 // zero where the merchant's certificate is of an older kind
	server        tls.Certificate
	authority     *x509.CertPool
}

// openWalletKeys reads the keys in dir, and makes what is missing.
func openWalletKeys(dir string) (*walletKeys, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	k := &walletKeys{authority: x509.NewCertPool()}
	var err error
	if k.alipayApp, err = rsaPair(dir, alipayAppKey, alipayAppPub); err != nil {
		return nil, err
	}
	if k.alipayGateway, err = rsaPair(dir, alipayGatewayKey, alipayGatewayPub); err != nil {
		return nil, err
	}
	secret, err := keptText(filepath.Join(dir, wechatAPIKey), func() string { return (rand.Text() + rand.Text())[:32] })
	if err != nil {
		return nil, err
	}
	k.wechatAPI = secret
	if err := certificates(dir); err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	if k.wechatV3, err = openWeChatV3(dir); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, walletCA))
	if err != nil {
		return nil, err
	}
	if !k.authority.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", walletCA)
	}
	k.server, err = tls.LoadX509KeyPair(filepath.Join(dir, walletCert), filepath.Join(dir, walletCertKey))
	return k, err
}

// openWeChatV3 is what v3 needs of a merchant: an RSA certificate, and a platform key.
func openWeChatV3(dir string) (v3 walletsim.WeChatV3, err error) {
	if err := os.MkdirAll(filepath.Join(dir, wechatPlatform), 0o700); err != nil {
		return v3, err
	}
	platform, err := rsaPair(dir, wechatV3Key, filepath.Join(wechatPlatform, wechatV3ID+".pem"))
	if err != nil {
		return v3, err
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, wechatCert), filepath.Join(dir, wechatCertKey))
	if err != nil {
		return v3, err
	}
	public, ok := pair.Leaf.PublicKey.(*rsa.PublicKey)
	if !ok {
		return v3, nil
	}
	return walletsim.WeChatV3{
		Serial: strings.ToUpper(hex.EncodeToString(pair.Leaf.SerialNumber.Bytes())), MerchantKey: public,
		PlatformSerial: wechatV3ID, PlatformKey: platform,
	}, nil
}

// keptText reads a one-line secret, or makes and keeps one.
func keptText(name string, fresh func() string) (string, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		s := fresh()
		return s, writeSecret(name, []byte(s+"\n"))
	}
	return strings.TrimSpace(string(text)), err
}

// writeSecret makes a file that only its owner can read, and never changes one that is there.
func writeSecret(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// rsaPair reads a key of RSA2 (2048 bits), or makes one; its public half stands beside it.
func rsaPair(dir, private, public string) (*rsa.PrivateKey, error) {
	name := filepath.Join(dir, private)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return newRSAPair(name, filepath.Join(dir, public))
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", name)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if k, ok := key.(*rsa.PrivateKey); ok && err == nil {
		return k, nil
	}
	return nil, fmt.Errorf("%s holds no RSA key in PKCS #8", name)
}

func newRSAPair(private, public string) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(public, inPEM("PUBLIC KEY", der), 0o600); err != nil {
		return nil, err
	}
	return key, writePrivate(private, key)
}

func writePrivate(name string, key any) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writeSecret(name, inPEM("PRIVATE KEY", der))
}

func inPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// certificates makes an authority, a server's certificate and a client's, unless they are there. The authority's key
// is forgotten: it signs nothing else.
func certificates(dir string) error {
	_, err := os.Stat(filepath.Join(dir, walletCA))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	ca, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	root := certificate("hwtest test authority")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	s := signer{dir: dir, root: root, key: ca}
	server := certificate("hwtest wallet gateway")
	server.IPAddresses, server.DNSNames = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, []string{"localhost"}
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	expired := certificate("hwtest wallet gateway")
	expired.IPAddresses, expired.DNSNames, expired.ExtKeyUsage = server.IPAddresses, server.DNSNames, server.ExtKeyUsage
	expired.NotBefore, expired.NotAfter = time.Now().AddDate(-1, 0, 0), time.Now().Add(-time.Hour)
	client := certificate("hwtest merchant")
	client.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := errors.Join(s.issue(server, key, walletCert, walletCertKey), s.issue(expired, key, walletExpired, walletExpiredKey)); err != nil {
		return err
	}
	merchant, err := rsa.GenerateKey(rand.Reader, 2048) // v3's signatures are RSA
	if err != nil {
		return err
	}
	if err := s.issue(client, merchant, wechatCert, wechatCertKey); err != nil {
		return err
	}
	return s.write(root, &ca.PublicKey, walletCA) // last: while it is missing, all is made anew
}

// certificate is what all of them share. They are for tests and end soon.
func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}
}

// signer is a test authority.
type signer struct {
	dir  string
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (s signer) issue(c *x509.Certificate, key crypto.Signer, certFile, keyFile string) error {
	_ = os.Remove(filepath.Join(s.dir, keyFile)) // left by a run that was cut short
	if err := writePrivate(filepath.Join(s.dir, keyFile), key); err != nil {
		return err
	}
	return s.write(c, key.Public(), certFile)
}

func (s signer) write(c *x509.Certificate, pub crypto.PublicKey, file string) error {
	der, err := x509.CreateCertificate(rand.Reader, c, s.root, pub, s.key)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, file), inPEM("CERTIFICATE", der), 0o600)
}
