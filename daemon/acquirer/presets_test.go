package acquirer_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"posd/daemon/payment"
	"posd/hwtest/hostsim"
	"posd/iso8583"
)

// everyPreset runs a test in each dialect that posd brings along, with core, acquirer and host joined.
func everyPreset(t *testing.T, test func(t *testing.T, c *counter), rules ...hostsim.Rule) {
	for _, name := range iso8583.Presets() {
		t.Run(name, func(t *testing.T) {
			d, err := iso8583.Preset(name)
			if err != nil {
				t.Fatal(err)
			}
			s := setup{dialect: d, terminal: "10000001", merchant: "898000000000001"}
			synctest.Test(t, func(t *testing.T) {
				b := start(t, s, rules...)
				b.host.SetBatch(s.terminal, "000001") // not every sign-on tells it
				test(t, openCounter(t, b))
			})
		})
	}
}

func TestEveryPresetRunsADayAndClosesIt(t *testing.T) {
	everyPreset(t, func(_ *testing.T, c *counter) {
		c.day()
		c.pays(cardRequest("S-8", payment.KindSale), 800, payment.SaidReversed)
		if c.Policy().UploadSize > 0 {
			c.closed(payment.BatchClosed)
		}
		c.pays(cardRequest("S-9", payment.KindSale), 100, payment.SaidApproved)
	}, hostsim.Rule{Kind: "sale", Nth: 3, Do: hostsim.CommitSilent})
}

// A dialect without an upload leaves it to a person.
func TestEveryPresetHealsABatchThatDoesNotBalance(t *testing.T) {
	everyPreset(t, func(t *testing.T, c *counter) {
		c.day()
		switch d := c.setup.dialect; {
		case d.HasTransaction("batch-upload"):
			c.closed(payment.BatchClosed)
			if all := c.host.Batches(); len(all) != 1 || !all[0].Healed() {
				t.Errorf("the host has %+v, want one batch that is healed", all)
			}
		case d.HasTransaction("settlement"):
			c.closed(payment.BatchRefused)
		}
	}, hostsim.Rule{Kind: "settlement", Do: hostsim.Unbalanced})
}

// fieldsOut gives the fields of the last message of that type that went out.
func (b *bench) fieldsOut(t *testing.T, mti string) map[string]string {
	t.Helper()
	for i := len(b.scribe.messages) - 1; i >= 0; i-- {
		m, fields := b.scribe.messages[i], map[string]string{}
		if m.Direction == "out" && m.Name == mti && json.Unmarshal(m.Fields, &fields) == nil {
			return fields
		}
	}
	t.Fatalf("no %s went out", mti)
	return nil
}

// The host tells no year: ours is sent, and a message about another one tells that one's.
func TestYearIsOursAndThatOfTheOriginal(t *testing.T) {
	d, err := iso8583.Preset("iso93-ascii")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC)))
		b := start(t, setup{dialect: d, terminal: "10000001", merchant: "898000000000001"})
		sale := b.approved(t, payment.KindSale, 700, nil)
		if got := b.fieldsOut(t, "1804")["12"][:6] + b.fieldsOut(t, "1200")["12"][:6]; got != "261231261231" {
			t.Errorf("the dates of sign-on and sale are %s", got)
		}
		time.Sleep(2 * time.Minute)
		b.approved(t, payment.KindVoid, 700, &sale)
		if f := b.fieldsOut(t, "1200"); f["12"][:6] != "270101" || f["56"][10:16] != "261231" {
			t.Errorf("a void of 2027 about a sale of 2026 says %s and %s", f["12"][:6], f["56"][10:16])
		}
	})
}

// Without a MAC there is nothing that a key would be for, and a sign-on brings none.
func TestDialectWithoutMACRunsADay(t *testing.T) {
	d, err := iso8583.Load("own.toml", []byte(`
base = "iso87-bcd"
mac.algorithm = "none"
reply.roles.keys = ""
drop_transactions = ["pre-auth-void"]
`))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b := start(t, setup{dialect: d, terminal: "10000001", merchant: "898000000000001"})
		b.host.SetBatch("10000001", "000001")
		c := openCounter(t, b)
		c.pays(cardRequest("S-1", payment.KindSale), 800, payment.SaidApproved)
		b.left(t, 800)
		c.closed(payment.BatchClosed)
	})
}
