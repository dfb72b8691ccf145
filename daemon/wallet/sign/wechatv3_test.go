package sign_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"posd/daemon/wallet/sign"
)

var (
	v3Now  = time.Unix(1554208460, 0)
	v3Call = sign.V3Call{Method: "POST", Path: "/v3/pay/transactions/codepay?a=b", Body: []byte(`{"appid":"wx"}`)}
)

func v3Stamp(at time.Time) sign.V3Stamp {
	return sign.V3Stamp{MchID: "1900000001", Serial: "5E4A", Nonce: "593BEC0C930BF1AFEB40B4A08C8FB242", Timestamp: strconv.FormatInt(at.Unix(), 10)}
}

// The content is the five lines of the docs' page on signatures: method, path and query, time, nonce, body, each ended by \n.
func TestV3SignaturesCoverTheLinesOfTheDocs(t *testing.T) {
	header, err := sign.V3Authorization(testKey(), v3Stamp(v3Now), v3Call)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sign.V3Requester(header)
	if err != nil || s.MchID != "1900000001" || s.Serial != "5E4A" || s.Nonce == "" {
		t.Fatalf("read back %+v, %v", s, err)
	}
	lines := "POST\n/v3/pay/transactions/codepay?a=b\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n{\"appid\":\"wx\"}\n"
	if err := sign.CheckRSA2(&testKey().PublicKey, []byte(lines), s.Signature); err != nil {
		t.Errorf("request: %v", err)
	}
	answer, err := sign.V3Answer(testKey(), v3Stamp(v3Now), []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sign.CheckRSA2(&testKey().PublicKey, []byte("1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n{}\n"), answer); err != nil {
		t.Errorf("answer: %v", err)
	}
}

func TestV3ChangedOrOldMessagesAreNotBelieved(t *testing.T) {
	header, err := sign.V3Authorization(testKey(), v3Stamp(v3Now), v3Call)
	if err != nil {
		t.Fatal(err)
	}
	good, err := sign.V3Requester(header)
	if err != nil {
		t.Fatal(err)
	}
	other := v3Call
	other.Path = "/v3/refund/domestic/refunds"
	later := good
	later.Timestamp = strconv.FormatInt(v3Now.Unix()+1, 10)
	for name, c := range map[string]struct {
		s    sign.V3Stamp
		c    sign.V3Call
		now  time.Time
		want error
	}{
		"right":                  {good, v3Call, v3Now, nil},
		"right, clock 5 min off": {good, v3Call, v3Now.Add(-5 * time.Minute), nil},
		"old":                    {good, v3Call, v3Now.Add(5*time.Minute + time.Second), sign.ErrStale},
		"from the future":        {good, v3Call, v3Now.Add(-6 * time.Minute), sign.ErrStale},
		"another path":           {good, other, v3Now, sign.ErrWrong},
		"another time":           {later, v3Call, v3Now, sign.ErrWrong},
		"no signature":           {sign.V3Stamp{Timestamp: good.Timestamp}, v3Call, v3Now, sign.ErrMissing},
	} {
		if err := sign.CheckV3Call(&testKey().PublicKey, c.s, c.c, c.now); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if !errors.Is(sign.ErrStale, sign.ErrWrong) {
		t.Error("a stale signature is no wrong one")
	}
}

func TestV3HeadersThatCannotBeReadAreRefused(t *testing.T) {
	for header, want := range map[string]error{
		"":                                     sign.ErrMissing,
		"Basic x":                              sign.ErrMissing,
		sign.V3Scheme + " mchid=1":             sign.ErrWrong,
		sign.V3Scheme + ` what="1"`:            sign.ErrWrong,
		sign.V3Scheme + ` mchid="1",mchid="2"`: sign.ErrWrong,
	} {
		if _, err := sign.V3Requester(header); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", strings.TrimPrefix(header, sign.V3Scheme), err, want)
		}
	}
}
