package sign

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// The sign_type values of WeChat Pay v2. An absent sign_type means MD5.
const (
	TypeMD5  = "MD5"
	TypeHMAC = "HMAC-SHA256"
)

// MD5 is the default signature of WeChat Pay v2 (merchant docs, chapter 4_3): the content without sign, "&key=" and the
// API key, as upper-case hex. It is there for gateways that answer in it; posd asks with HMAC.
func MD5(params map[string]string, apiKey string) string {
	sum := md5.Sum([]byte(keyed(params, apiKey)))
	return upperHex(sum[:])
}

// HMAC is WeChat Pay v2's HMAC-SHA256 signature: the same string as MD5's, keyed with the API key.
func HMAC(params map[string]string, apiKey string) string {
	mac := hmac.New(sha256.New, []byte(apiKey))
	_, _ = mac.Write([]byte(keyed(params, apiKey)))
	return upperHex(mac.Sum(nil))
}

// CheckWeChat checks params["sign"] with the algorithm that signType names, in constant time. Fields added later by the
// gateway take part like any other. It answers ErrMissing or ErrWrong.
func CheckWeChat(params map[string]string, apiKey, signType string) error {
	got := params["sign"]
	if got == "" {
		return ErrMissing
	}
	var want string
	switch signType {
	case TypeHMAC:
		want = HMAC(params, apiKey)
	case TypeMD5, "":
		want = MD5(params, apiKey)
	default:
		return ErrWrong
	}
	if subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return ErrWrong
	}
	return nil
}

func keyed(params map[string]string, apiKey string) string {
	content := Content(params, "sign")
	if content == "" {
		return "key=" + apiKey
	}
	return content + "&key=" + apiKey
}

func upperHex(b []byte) string { return strings.ToUpper(hex.EncodeToString(b)) }
