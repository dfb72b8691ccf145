package sign_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"posd/daemon/wallet/sign"
)

// testKey is made once: key generation is slow under the race detector.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func TestWeChatSignaturesEqualThePublishedOnes(t *testing.T) {
	text, err := os.ReadFile("testdata/wechat_v2_sign.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		APIKey string `json:"api_key"`
		Cases  []struct {
			Name   string
			Params map[string]string
			MD5    string
			HMAC   string `json:"hmac_sha256"`
		}
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range v.Cases {
		t.Run(c.Name, func(t *testing.T) {
			if got := sign.MD5(c.Params, v.APIKey); got != c.MD5 {
				t.Errorf("MD5 = %s, want %s", got, c.MD5)
			}
			if got := sign.HMAC(c.Params, v.APIKey); got != c.HMAC {
				t.Errorf("HMAC = %s, want %s", got, c.HMAC)
			}
			c.Params["sign"] = c.HMAC
			if err := sign.CheckWeChat(c.Params, v.APIKey, sign.TypeHMAC); err != nil {
				t.Errorf("check: %v", err)
			}
			if err := sign.CheckWeChat(c.Params, v.APIKey, ""); !errors.Is(err, sign.ErrWrong) {
				t.Errorf("HMAC taken for MD5: %v", err)
			}
		})
	}
}

func TestWeChatSignatureMissingOrUnknown(t *testing.T) {
	if err := sign.CheckWeChat(map[string]string{"a": "1"}, "k", ""); !errors.Is(err, sign.ErrMissing) {
		t.Errorf("got %v, want ErrMissing", err)
	}
	p := map[string]string{"a": "1", "sign": "X"}
	if err := sign.CheckWeChat(p, "k", "SHA1"); !errors.Is(err, sign.ErrWrong) {
		t.Errorf("got %v, want ErrWrong", err)
	}
	if sign.MD5(nil, "k") == "" {
		t.Error("an empty map has a signature as well")
	}
}

func TestRSA2CoversEveryParamButSign(t *testing.T) {
	p := map[string]string{"app_id": "1", "sign_type": "RSA2", "biz_content": `{"a":"b c&d"}`, "empty": ""}
	sig, err := sign.RSA2Request(testKey(), p)
	if err != nil {
		t.Fatal(err)
	}
	p["sign"] = sig
	if err := sign.CheckRSA2Request(&testKey().PublicKey, p); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"app_id", "sign_type", "biz_content"} {
		old := p[k]
		p[k] = "other"
		if err := sign.CheckRSA2Request(&testKey().PublicKey, p); !errors.Is(err, sign.ErrWrong) {
			t.Errorf("%s changed: %v, want ErrWrong", k, err)
		}
		p[k] = old
	}
	p["sign"] = "%%%"
	if err := sign.CheckRSA2Request(&testKey().PublicKey, p); !errors.Is(err, sign.ErrWrong) {
		t.Errorf("no base64: %v", err)
	}
	p["sign"] = ""
	if err := sign.CheckRSA2Request(&testKey().PublicKey, p); !errors.Is(err, sign.ErrMissing) {
		t.Errorf("no sign: %v", err)
	}
}

func TestKeysInEveryFormThatShopsHave(t *testing.T) {
	key := testKey()
	p8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p1 := x509.MarshalPKCS1PrivateKey(key)
	for name, text := range map[string][]byte{
		"pkcs8 pem":    pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p8}),
		"pkcs1 pem":    pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: p1}),
		"pkcs8 base64": []byte(base64.StdEncoding.EncodeToString(p8) + "\n"),
		"pkcs1 base64": []byte(base64.StdEncoding.EncodeToString(p1)),
	} {
		if got, err := sign.ParsePrivateKey(text); err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	pub, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"pkix pem":    pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pub}),
		"pkix base64": []byte(base64.StdEncoding.EncodeToString(pub)),
		"pkcs1":       []byte(base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PublicKey(&key.PublicKey))),
	} {
		if got, err := sign.ParsePublicKey(text); err != nil || !got.Equal(&key.PublicKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBrokenKeysAreRefusedWithoutTheirText(t *testing.T) {
	for _, text := range []string{"", "secret words", "c2VjcmV0"} {
		_, err := sign.ParsePrivateKey([]byte(text))
		if err == nil || (text != "" && strings.Contains(err.Error(), text)) {
			t.Errorf("private %q: %v", text, err)
		}
		if _, err = sign.ParsePublicKey([]byte(text)); err == nil {
			t.Errorf("public %q is taken", text)
		}
	}
}

func TestNodesKeepTheExactBytes(t *testing.T) {
	raw := "{ \"a_response\" : {\"x\" :  1.50, \"s\":\"\\u4e2d\\/\" } ,\n\"sign\":\"abc\"}\n"
	nodes, err := sign.Nodes([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(nodes["a_response"]), `{"x" :  1.50, "s":"\u4e2d\/" }`; got != want {
		t.Errorf("node = %s, want %s", got, want)
	}
}

func TestNodesRefuseWhatCanBeReadInTwoWays(t *testing.T) {
	for name, raw := range map[string]string{
		"twice": `{"a":1,"a":2}`, "array": `[1]`, "open": `{"a":1`, "after": `{"a":1}{"a":2}`, "html": "<html>",
		"empty": "", "half": `{"a":{"b":"c`, "colon": `{"a"}`, "number": "1", "long": `{"a":"` + strings.Repeat("x", sign.MaxBody) + `"}`,
	} {
		if _, err := sign.Nodes([]byte(raw)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestXMLComesBackAsItWent(t *testing.T) {
	in := map[string]string{"a": "1", "body": "形象店 & <1+1=2> ]]> \"q\"", "empty": ""}
	got, err := sign.DecodeXML(sign.EncodeXML(in))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got["a"] != "1" || got["body"] != in["body"] {
		t.Errorf("got %q", got)
	}
	got, err = sign.DecodeXML([]byte("<?xml version=\"1.0\"?>\n<xml>\n<a><![CDATA[x<y]]></a>\n<b>2</b></xml>"))
	if err != nil || got["a"] != "x<y" || got["b"] != "2" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestXMLRefusesAllButAFlatMap(t *testing.T) {
	for name, raw := range map[string]string{
		"doctype": `<!DOCTYPE x [<!ENTITY a "b">]><xml><a>&a;</a></xml>`, "entity": `<xml><a>&b;</a></xml>`,
		"nested": `<xml><a><b>1</b></a></xml>`, "twice": `<xml><a>1</a><a>2</a></xml>`, "outer": `<html></html>`,
		"attribute": `<xml><a x="1">1</a></xml>`, "two roots": `<xml></xml><xml></xml>`, "text": `<xml>x<a>1</a></xml>`,
		"half": `<xml><a>1`, "empty": ``, "pi": `<?php x?><xml></xml>`, "long": `<xml><a>` + strings.Repeat("x", 9<<10) + `</a></xml>`,
	} {
		if got, err := sign.DecodeXML([]byte(raw)); err == nil {
			t.Errorf("%s is taken: %q", name, got)
		}
	}
}

// FuzzNodes: what it returns is a run of the input, valid JSON, and what an ordinary decoder reads.
func FuzzNodes(f *testing.F) {
	f.Add([]byte(`{"a_response":{"code":"10000"},"sign":"x"}`))
	f.Add([]byte(`{"a":1 , "b" : [ "\u0041" ]}`))
	f.Add([]byte(`{"a":{"a":1},"\u0061":2}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		nodes, err := sign.Nodes(raw)
		if err != nil {
			return
		}
		var plain map[string]json.RawMessage
		if err := json.Unmarshal(raw, &plain); err != nil {
			t.Fatalf("taken, but no JSON: %v", err)
		}
		if len(plain) != len(nodes) {
			t.Fatalf("%d nodes, an ordinary decoder reads %d", len(nodes), len(plain))
		}
		for name, node := range nodes {
			if !json.Valid(node) || !bytes.Contains(raw, node) || !bytes.Equal(node, plain[name]) {
				t.Fatalf("node %q is not the input's", name)
			}
		}
	})
}

// FuzzXML: what is taken is written and read again without a change.
func FuzzXML(f *testing.F) {
	f.Add([]byte("<xml><a>1</a><b><![CDATA[x]]></b></xml>"))
	f.Add([]byte("<?xml version='1.0' encoding='UTF-8'?><xml><a>&lt;&#x4e2d;</a></xml>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := sign.DecodeXML(raw)
		if err != nil {
			return
		}
		again, err := sign.DecodeXML(sign.EncodeXML(first))
		if err != nil {
			t.Fatalf("own text is refused: %v", err)
		}
		for k, v := range first {
			if again[k] != v {
				t.Fatalf("%q: %q became %q", k, v, again[k])
			}
		}
	})
}
