package hostsim

import (
	"strings"
	"testing"

	"posd/iso8583"
)

func TestCodesAreTheDialectsOwn(t *testing.T) {
	for _, name := range iso8583.Presets() {
		t.Run(name, func(t *testing.T) {
			d, err := iso8583.Preset(name)
			if err != nil {
				t.Fatal(err)
			}
			var c Codes
			if err := c.complete(d); err != nil {
				t.Fatal(err)
			}
			for _, r := range c.rules() {
				a := d.Action(*r.code).Action
				switch r.name {
				case "approved", "line":
					if a != iso8583.ActionApprove {
						t.Errorf("%s is %s: %s", r.name, *r.code, a)
					}
				case "reversed":
					if d.ReversalAction(*r.code) != iso8583.ReversalFinal {
						t.Errorf("reversed is %s: %s", *r.code, d.ReversalAction(*r.code))
					}
				case "sign-on", "batch":
					if a != iso8583.ActionSignOn && d.ReversalAction(*r.code) != iso8583.ReversalSignOn {
						t.Errorf("%s is %s: %s", r.name, *r.code, a)
					}
				case "repeated":
					if a != iso8583.ActionDuplicate {
						t.Errorf("repeated is %s: %s", *r.code, a)
					}
				case "not-found", "already", "other-day":
					if d.ReversalAction(*r.code) != iso8583.ReversalInDoubt {
						t.Errorf("%s is %s: %s", r.name, *r.code, d.ReversalAction(*r.code))
					}
				case "partial", "failed", "balanced", "unbalanced":
				default:
					if a == iso8583.ActionApprove || a == iso8583.ActionPartial || a == iso8583.ActionUnknown {
						t.Errorf("%s is %s: %s", r.name, *r.code, a)
					}
				}
			}
		})
	}
}

func TestOtherCodesAreTakenAndWrongOnesRefused(t *testing.T) {
	d, err := iso8583.Preset("unionpay")
	if err != nil {
		t.Fatal(err)
	}
	c := Codes{NotFound: "00"}
	if err := c.Set("format", "05"); err != nil {
		t.Fatal(err)
	}
	if err := c.complete(d); err != nil || c.NotFound != "00" || c.Format != "05" || c.Already != "25" {
		t.Errorf("codes are %+v, %v", c, err)
	}
	for code, says := range map[string]string{"abc": "have 2 digits", "a1": "capital", "0": "have 2 digits"} {
		wrong := Codes{Already: code}
		if err := wrong.complete(d); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q gives %v", code, err)
		}
	}
	if err := c.Set("nothing", "00"); err == nil || !strings.Contains(err.Error(), "no-original") {
		t.Errorf("an unknown answer gives %v", err)
	}
}
