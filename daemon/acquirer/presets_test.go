package acquirer_test

import (
	"testing"
	"testing/synctest"

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
