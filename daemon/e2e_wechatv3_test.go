package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"posd/hwtest/walletsim"
)

// v3Serial is the number of the merchant's certificate.
const v3Serial = 0x5E4A6B7C

// v3PlatformKey is the id of the gateway's public key.
const v3PlatformKey = "PUB_KEY_ID_0119000000012026112800000000000001"

// speakV3 lets a store that does not run yet speak WeChat Pay v3.
func (s *store) speakV3(platformKey string) {
	s.t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(gatewayKeys()[0])
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("wechat.pem", certificateOf(s.t, gatewayKeys()[0], v3Serial))
	s.write("wechat-key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	if err := os.Mkdir(s.path("platform"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.write("platform/"+platformKey, publicKeyOf(s.t, gatewayKeys()[1]))
	s.change(`appid = "wx0000000000000001"`, "api = \"v3\"\nplatform_keys = \"platform\"\nappid = \"wx0000000000000001\"")
}

func TestAStoreThatSpeaksWeChatV3IsPaidReversedAndRefunded(t *testing.T) {
	s := newStore(t, plan{patience: "3s"})
	s.speakV3(v3PlatformKey + ".pem")
	s.start()
	s.till.open("S-1", 1999)
	s.want(s.till.pay("S-1", "a", by(s.code(walletsim.WeChatName))), "approved")
	s.holds(0, 1999)
	s.want(s.till.pay("S-1", "r", undo("refund", "a")), "approved")
	s.holds(0, 0)

	s.gatewayRules(walletsim.Rule{Wallet: walletsim.WeChatName, Call: walletsim.CallPay, Fault: walletsim.Silence, Commit: true},
		walletsim.Rule{Wallet: walletsim.WeChatName, Call: walletsim.CallQuery, Times: 30, Fault: walletsim.ServerError})
	s.till.open("S-2", 2500)
	s.till.begin("S-2", "a", by(s.code(walletsim.WeChatName)))
	s.eventually("the unanswered payment is reversed", func() bool { return s.till.get(pathOf("S-2", "a")).State == "reversed" })
	s.holds(0, 0)
}

// What one version owes the other one pays back: orders belong to the merchant.
func TestWhatV2OwesIsReversedByV3(t *testing.T) {
	s := openStore(t, plan{patience: "3s"})
	s.gatewayRules(walletsim.Rule{Wallet: walletsim.WeChatName, Call: walletsim.CallPay, Fault: walletsim.ServerError, Commit: true},
		walletsim.Rule{Wallet: walletsim.WeChatName, Fault: walletsim.ServerError})
	s.till.open("S-1", 1999)
	s.till.begin("S-1", "a", by(s.code(walletsim.WeChatName)))
	s.eventually("the payment is being reversed", func() bool { return s.till.get(pathOf("S-1", "a")).State == "reversing" })
	s.holds(0, 1999)
	s.stop()
	s.speakV3(v3PlatformKey + ".pem")
	s.gatewayRules()
	s.start()
	s.eventually("it is reversed", func() bool { return s.till.get(pathOf("S-1", "a")).State == "reversed" })
	s.holds(0, 0)
}

// certificateOf is a certificate that its key has signed itself.
func certificateOf(t *testing.T, key *rsa.PrivateKey, serial int64) string {
	t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func publicKeyOf(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
