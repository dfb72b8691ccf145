package wallet_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"posd/daemon/wallet"
)

func router(t *testing.T) *wallet.Router {
	t.Helper()
	r, err := wallet.NewRouter(wallet.DefaultRoutes())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// vectors reads a file of testdata.
func vectors(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestEveryPublishedCodeFormatIsRouted(t *testing.T) {
	var v struct {
		Cases []struct{ Code, Wallet, Note string }
	}
	vectors(t, "code_formats.json", &v)
	if len(v.Cases) < 19 {
		t.Fatalf("%d cases, want all 19", len(v.Cases))
	}
	for _, c := range v.Cases {
		got, ok := router(t).Route([]byte(c.Code))
		if !ok {
			got = "unknown"
		}
		if got != c.Wallet {
			t.Errorf("%q (%s) = %s, want %s", c.Code, c.Note, got, c.Wallet)
		}
	}
}

func TestEMVCoCodesAreRecognisedWholeOnly(t *testing.T) {
	var v struct {
		Base64   string
		Negative []struct{ Name, Base64 string }
	}
	vectors(t, "emv_cpm.json", &v)
	if got, ok := router(t).Route([]byte(v.Base64)); !ok || got != wallet.CPM {
		t.Errorf("example = %q, %v", got, ok)
	}
	for _, c := range v.Negative {
		if got, ok := router(t).Route([]byte(c.Base64)); ok {
			t.Errorf("%s is taken for %s", c.Name, got)
		}
	}
}

func TestSuffixesOfScannersAreTrimmed(t *testing.T) {
	for _, suffix := range []string{"", "\r", "\n", "\r\n", "\t"} {
		if got, _ := router(t).Route([]byte("120061098828009406" + suffix)); got != "wechat" {
			t.Errorf("suffix %q: %q", suffix, got)
		}
	}
	if _, ok := router(t).Route([]byte(" 120061098828009406")); ok {
		t.Error("a leading space is no suffix")
	}
}

func TestSimulatorPrefixesGoWhereTheyAreConfigured(t *testing.T) {
	routes := append(wallet.DefaultRoutes(), wallet.Route{Wallet: "alipay", Prefixes: []string{"90", "91", "92"}, Min: 18, Max: 18})
	r, err := wallet.NewRouter(routes)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := r.Route([]byte("911726480360602098")); got != "alipay" {
		t.Errorf("got %q", got)
	}
	if _, ok := router(t).Route([]byte("911726480360602098")); ok {
		t.Error("a simulator's code is routed by default")
	}
}

func TestRoutesThatOverlapAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		routes []wallet.Route
		ok     bool
	}{
		"same prefix":         {[]wallet.Route{{"a", []string{"25"}, 16, 24}, {"b", []string{"25"}, 18, 18}}, false},
		"prefix of a prefix":  {[]wallet.Route{{"a", []string{"16"}, 18, 18}, {"b", []string{"160"}, 18, 18}}, false},
		"apart by length":     {[]wallet.Route{{"a", []string{"25"}, 16, 17}, {"b", []string{"25"}, 18, 18}}, true},
		"apart by prefix":     {[]wallet.Route{{"a", []string{"25"}, 16, 24}, {"b", []string{"26"}, 16, 24}}, true},
		"twice in one":        {[]wallet.Route{{"a", []string{"25", "25"}, 16, 24}}, false},
		"no digits":           {[]wallet.Route{{"a", []string{"2x"}, 16, 24}}, false},
		"no prefix":           {[]wallet.Route{{"a", nil, 16, 24}}, false},
		"lengths upside down": {[]wallet.Route{{"a", []string{"25"}, 24, 16}}, false},
		"no name":             {[]wallet.Route{{"", []string{"25"}, 16, 24}}, false},
	} {
		if _, err := wallet.NewRouter(c.routes); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzRoute: a routed text is a code of at most 512 bytes, is sensitive, and a suffix changes nothing.
func FuzzRoute(f *testing.F) {
	for _, s := range []string{"120061098828009406", "281675652589992104", "hQVDUFYwMWETTwegAAAA", "１２"} {
		f.Add(s)
	}
	r, err := wallet.NewRouter(wallet.DefaultRoutes())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w, ok := r.Route([]byte(s))
		again, _ := r.Route([]byte(s + "\r\n"))
		if again != w {
			t.Errorf("%q = %q, with a suffix %q", s, w, again)
		}
		if ok && (!r.Sensitive([]byte(s)) || len(strings.TrimRight(s, "\r\n\t")) > 512) {
			t.Errorf("%q is routed, but not sensitive or too long", s)
		}
	})
}
