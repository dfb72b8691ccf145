package sign

import (
	"crypto/rsa"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// V3Scheme begins the Authorization header of WeChat Pay v3.
const V3Scheme = "WECHATPAY2-SHA256-RSA2048"

// V3Drift is how far a v3 message's time may be from ours: what is older may be a recording (docs, "signature
// verification": five minutes).
const V3Drift = 5 * time.Minute

// ErrStale says that a signature holds for a time that is too far from ours.
var ErrStale = fmt.Errorf("%w: its time is more than %s from ours; check the clock", ErrWrong, V3Drift)

// The headers of a signed v3 answer.
const (
	V3Timestamp = "Wechatpay-Timestamp"
	V3Nonce     = "Wechatpay-Nonce"
	V3Signature = "Wechatpay-Signature"
	V3Serial    = "Wechatpay-Serial"
)

// V3Call is what the signature of a v3 request covers. Path is path and query, as they are sent.
type V3Call struct {
	Method, Path string
	Body         []byte
}

// V3Stamp is who signed a v3 message, when, and how it reads. Serial names the key: a certificate's serial number in hex, or
// a PUB_KEY_ID.
type V3Stamp struct {
	MchID     string // requests only
	Serial    string
	Nonce     string
	Timestamp string // Unix seconds
	Signature string // Base64
}

// V3Authorization signs a request and gives its Authorization header. s has MchID, Serial, Nonce and Timestamp.
func V3Authorization(key *rsa.PrivateKey, s V3Stamp, c V3Call) (string, error) {
	sig, err := RSA2(key, c.content(s))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`%s mchid="%s",nonce_str="%s",timestamp="%s",serial_no="%s",signature="%s"`,
		V3Scheme, s.MchID, s.Nonce, s.Timestamp, s.Serial, sig), nil
}

// V3Requester reads an Authorization header; the gateway's end.
func V3Requester(header string) (s V3Stamp, err error) {
	rest, ok := strings.CutPrefix(header, V3Scheme+" ")
	if !ok {
		return s, ErrMissing
	}
	into := map[string]*string{
		"mchid": &s.MchID, "nonce_str": &s.Nonce, "timestamp": &s.Timestamp, "serial_no": &s.Serial, "signature": &s.Signature,
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		field := into[name]
		text, err := strconv.Unquote(value)
		if field == nil || err != nil || *field != "" {
			return V3Stamp{}, fmt.Errorf("%w: the Authorization header cannot be read", ErrWrong)
		}
		*field = text
	}
	return s, nil
}

// CheckV3Call checks a request's signature and time.
func CheckV3Call(key *rsa.PublicKey, s V3Stamp, c V3Call, now time.Time) error {
	return s.check(key, c.content(s), now)
}

// V3Answer signs an answer; the gateway's end. s has Nonce and Timestamp.
func V3Answer(key *rsa.PrivateKey, s V3Stamp, body []byte) (signature string, err error) {
	return RSA2(key, answerContent(s, body))
}

// CheckV3Answer checks an answer's signature, over the exact bytes of its body, and its time. It answers ErrMissing, ErrWrong or
// ErrStale, which is an ErrWrong.
func CheckV3Answer(key *rsa.PublicKey, s V3Stamp, body []byte, now time.Time) error {
	return s.check(key, answerContent(s, body), now)
}

func (s V3Stamp) check(key *rsa.PublicKey, content []byte, now time.Time) error {
	if err := CheckRSA2(key, content, s.Signature); err != nil {
		return err
	}
	at, err := strconv.ParseInt(s.Timestamp, 10, 64)
	if err != nil {
		return ErrWrong
	}
	if now.Sub(time.Unix(at, 0)).Abs() > V3Drift {
		return ErrStale
	}
	return nil
}

func (c V3Call) content(s V3Stamp) []byte {
	head := strings.Join([]string{c.Method, c.Path, s.Timestamp, s.Nonce, ""}, "\n")
	return append(append([]byte(head), c.Body...), '\n')
}

func answerContent(s V3Stamp, body []byte) []byte {
	return append(append([]byte(s.Timestamp+"\n"+s.Nonce+"\n"), body...), '\n')
}
