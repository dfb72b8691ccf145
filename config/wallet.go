package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

var digits = regexp.MustCompile(`^[0-9]{1,24}$`)

func (c *Config) checkWallet(k checker) {
	w := &c.Wallet
	k.within("wallet.code_age", w.CodeAge, time.Second, 10*time.Minute)
	k.within("wallet.confirm_gap", w.ConfirmGap, 10*time.Millisecond, 10*time.Minute)
	k.within("wallet.in_flight_max", w.InFlightMax, time.Second, time.Hour)
	k.between("wallet.suspect_after", w.SuspectAfter, 1, 100)
	w.Alipay.check(k)
	w.WeChat.check(k)
	if w.UnionPay.Enabled && !c.Acquirer.Enabled {
		k.add("wallet.unionpay.enabled", "its codes travel through the acquirer, which is not enabled", "set acquirer.enabled, or leave it out")
	}
	for i, r := range w.Routes {
		at := element("wallet.route", i+1)
		r.check(k, at)
		for j, other := range w.Routes[:i] {
			if p := r.overlap(other); p != "" {
				k.add(at+".prefixes", fmt.Sprintf("route %d takes codes that begin with %s too", j+1, p),
					"let each code have one provider")
			}
		}
	}
}

func (a Alipay) check(k checker) {
	const at = "wallet.alipay."
	if a.Enabled {
		k.required(at+"app_id", a.AppID, "the application's number, from the open platform")
		k.required(at+"seller_id", a.SellerID, "the shop's account, 2088 and 12 digits")
		k.required(at+"private_key_file", a.PrivateKeyFile, "a file with the application's private key")
		if a.AppCertFile != "" {
			k.required(at+"root_cert_file", a.RootCertFile, "alipayRootCert.crt: app_cert_file is set")
			k.required(at+"gateway_certs", a.GatewayCerts, "a folder with alipayCertPublicKey_….crt: app_cert_file is set")
		} else {
			k.required(at+"gateway_public_key_file", a.GatewayPublicKeyFile, "a file with Alipay's public key")
		}
	}
	k.gateway(at+"url", a.URL)
	if a.BackupURL != "" {
		k.gateway(at+"backup_url", a.BackupURL)
	}
	k.pattern(at+"app_id", a.AppID, digits, "digits")
	k.pattern(at+"seller_id", a.SellerID, digits, "digits")
	k.deadline(at, a.Deadline, a.QueryEvery)
	k.within(at+"reverse_window", a.ReverseWindow, time.Second, 30*24*time.Hour)
}

func (w WeChat) check(k checker) {
	const at = "wallet.wechat."
	if w.Enabled {
		k.required(at+"appid", w.AppID, "the public account's id, from WeChat")
		k.required(at+"mch_id", w.MchID, "the merchant's number, from WeChat Pay")
		if w.API == "v3" {
			k.required(at+"platform_keys", w.PlatformKeys, "a folder with WeChat Pay's certificates or public keys")
		} else {
			k.required(at+"api_key_file", w.APIKeyFile, "a file with the API key of 32 characters")
		}
		k.required(at+"cert_file", w.CertFile, "apiclient_cert.pem: a reverse is refused without it")
		k.required(at+"key_file", w.KeyFile, "apiclient_key.pem")
	}
	k.oneOf(at+"api", w.API, "v2", "v3")
	k.oneOf(at+"sign_type", w.SignType, "HMAC-SHA256", "MD5")
	k.gateway(at+"url", w.URL)
	if w.BackupURL != "" {
		k.gateway(at+"backup_url", w.BackupURL)
	}
	k.pattern(at+"mch_id", w.MchID, digits, "digits")
	k.both(strings.TrimSuffix(at, "."), "cert_file", w.CertFile, "key_file", w.KeyFile)
	k.deadline(at, w.Deadline, w.QueryEvery)
	k.within(at+"reverse_not_before", w.ReverseNotBefore, time.Millisecond, 10*time.Minute)
	k.within(at+"reverse_window", w.ReverseWindow, time.Second, 30*24*time.Hour)
}

// deadline wants at least one query before a payment is given up.
func (k checker) deadline(at string, deadline, every Duration) {
	k.within(at+"deadline", deadline, 100*time.Millisecond, 10*time.Minute)
	k.within(at+"query_every", every, 10*time.Millisecond, time.Minute)
	if every.Duration > deadline.Duration {
		k.add(at+"query_every", "longer than the deadline", "let there be a query before it is given up")
	}
}

func (r Route) check(k checker, at string) {
	k.required(at+".provider", r.Provider, `"alipay", "wechat" or "unionpay"`)
	k.oneOf(at+".provider", r.Provider, "alipay", "wechat", "unionpay", "")
	if len(r.Prefixes) == 0 {
		k.add(at+".prefixes", "missing", `want a list, such as ["25", "26"]`)
	}
	for i, p := range r.Prefixes {
		if !digits.MatchString(p) {
			k.add(element(at+".prefixes", i+1), fmt.Sprintf("%q does not fit", p), "want digits")
		}
	}
	n := len(r.Lengths)
	if n < 1 || n > 2 || r.Min() < 8 || r.Max() > 64 || r.Min() > r.Max() {
		k.add(at+".lengths", "no range of lengths", "want [shortest, longest], from 8 to 64")
	}
}

// Min is the shortest length of a code; 0 if there is none.
func (r Route) Min() int {
	if len(r.Lengths) == 0 {
		return 0
	}
	return r.Lengths[0]
}

// Max is the longest length of a code; 0 if there is none.
func (r Route) Max() int {
	if len(r.Lengths) == 0 {
		return 0
	}
	return r.Lengths[len(r.Lengths)-1]
}

// overlap gives a beginning of codes that both routes take, or "".
func (r Route) overlap(o Route) string {
	if r.Max() < o.Min() || o.Max() < r.Min() {
		return ""
	}
	for _, p := range r.Prefixes {
		for _, q := range o.Prefixes {
			if strings.HasPrefix(p, q) || strings.HasPrefix(q, p) {
				return max(p, q)
			}
		}
	}
	return ""
}
