package interop

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"posd/hwtest/walletsim"
)

const (
	alipayApp = "2021000000000001"
	seller    = "2088100000000001"
	appID     = "wx0000000000000001"
	mchID     = "1900000001"
	serial    = "5E4A6B7C8D9E0F10"
	keyID     = "PUB_KEY_ID_0119000000012026112800000000000001"
)

var apiKey = strings.Repeat("k", 32)

// keys are the merchant's and the gateway's.
var keys = sync.OnceValue(func() (out [2]*rsa.PrivateKey) {
	for i := range out {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		out[i] = key
	}
	return out
})

// gateway is the simulator over real HTTP.
type gateway struct {
	*walletsim.Gateway

	t   *testing.T
	url string
}

func openGateway(t *testing.T) *gateway {
	t.Helper()
	return openGatewayWith(t, walletsim.Alipay{})
}

// openGatewayWith is a gateway in Alipay's certificate mode; certificates has their names.
func openGatewayWith(t *testing.T, certificates walletsim.Alipay) *gateway {
	t.Helper()
	merchant, platform := &keys()[0].PublicKey, keys()[1]
	certificates.AppID, certificates.SellerID, certificates.MerchantKey, certificates.GatewayKey = alipayApp, seller, merchant, platform
	g, err := walletsim.New(walletsim.Options{
		Alipay: certificates,
		WeChat: walletsim.WeChat{
			AppID: appID, MchID: mchID, APIKey: apiKey, ReverseNotBefore: time.Nanosecond,
			V3: walletsim.WeChatV3{Serial: serial, MerchantKey: merchant, PlatformSerial: keyID, PlatformKey: platform},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g.Handler())
	t.Cleanup(func() {
		_ = g.Close()
		server.Close()
	})
	return &gateway{g, t, server.URL}
}

// code is what a customer with enough money shows.
func (g *gateway) code() string {
	g.t.Helper()
	phone, err := g.NewPhone(walletsim.PhoneOptions{Balance: 1_000_000})
	if err != nil {
		g.t.Fatal(err)
	}
	code, err := phone.Online()
	if err != nil {
		g.t.Fatal(err)
	}
	return code
}

func (g *gateway) holds(order string, want int64) {
	g.t.Helper()
	if got := g.Net(order); got != want {
		g.t.Errorf("the ledger holds %d of %s, want %d", got, order, want)
	}
}

func privatePEM(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func publicPEM(t *testing.T, key *rsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// bare is the base64 of a PEM block in one line, as Alipay's tools write keys.
func bare(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[1:len(lines)-1], nil))
}
