package emv_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"posd/drivers/emv"
	"posd/hwtest/devicesim"
)

// contacts are a reader with a simulated card in it. change spoils answers, by the number of the command.
type contacts struct {
	chip   *devicesim.Chip
	change func(n int, answer []byte) []byte
	n      int
	seen   [][]byte // the answers' own memory: Read wipes it
}

// Transmit fetches what the card announces, as the layer below a kernel does.
func (c *contacts) Transmit(_ context.Context, apdu []byte) ([]byte, error) {
	answer := c.chip.Transmit(apdu)
	if len(answer) == 2 && answer[0] == 0x61 {
		answer = c.chip.Transmit([]byte{0x00, 0xC0, 0, 0, answer[1]})
	}
	if c.n++; c.change != nil {
		answer = c.change(c.n, answer)
	}
	c.seen = append(c.seen, answer)
	return answer, nil
}

func payment() emv.Payment {
	return emv.Payment{
		Amount: 1999, Currency: "156", At: time.Date(2026, 11, 28, 12, 34, 56, 0, time.UTC), Sequence: 77,
		Unpredictable: [4]byte{0xDE, 0xAD, 0xBE, 0xEF},
	}
}

var cards = map[string]func(*devicesim.Chip){
	"with a directory":       func(*devicesim.Chip) {},
	"without a directory":    func(c *devicesim.Chip) { c.NoDirectory = true },
	"values side by side":    func(c *devicesim.Chip) { c.Format1 = true },
	"in two steps":           func(c *devicesim.Chip) { c.InTwoSteps = true },
	"that asks at the start": func(c *devicesim.Chip) { c.PDOL, _ = hex.DecodeString("9F66049F02069F3704") }, // one of them nobody has
}

func TestACardGivesField55AboutTheVeryPayment(t *testing.T) {
	for _, prefix := range []string{"620000", "400000", "510000"} {
		for name, set := range cards {
			t.Run(prefix+" "+name, func(t *testing.T) {
				card := devicesim.TestCard(prefix, 7)
				c := &contacts{chip: devicesim.NewChip(card)}
				set(c.chip)
				d, err := emv.Read(t.Context(), c, emv.TestTerminal(), payment())
				if err != nil {
					t.Fatal(err)
				}
				d.Field55.Reveal(func(b []byte) {
					if err := c.chip.Check(b); err != nil {
						t.Errorf("%v in %X", err, b)
					}
					wantObjects(t, b)
				})
				d.PAN.Reveal(func(b []byte) { want(t, "number", string(b), card.PAN) })
				d.Track2.Reveal(func(b []byte) { want(t, "track 2", string(b), card.PAN+"D"+card.Expiry+card.Service+"0000000") })
				d.Expiry.Reveal(func(b []byte) { want(t, "expiry", string(b), card.Expiry) })
				want(t, "sequence", d.Sequence, "001")
				want(t, "label", d.Label, "TEST CHIP")
			})
		}
	}
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %q, want %q", what, got, want)
	}
}

// wantObjects looks for every data object of an online request with the terminal's own values.
func wantObjects(t *testing.T, b []byte) {
	t.Helper()
	text := strings.ToUpper(hex.EncodeToString(b))
	for _, o := range []string{
		"9F2608", "9F270180", "9F1008", "9F3704DEADBEEF", "9F36020001", "95058000000000", "9A03261128", "9C0100", "9F0206000000001999",
		"5F2A020156", "82021800", "9F1A020156", "9F0306000000000000", "9F3303600800", "9F34033F0000", "9F350122", "9F1E085445535430303031", "84", "9F410400000077",
	} {
		if !strings.Contains(text, o) {
			t.Errorf("field 55 lacks %s: %s", o, text)
		}
	}
}

func TestAnotherPaymentHasAnotherCryptogram(t *testing.T) {
	chip := devicesim.NewChip(devicesim.TestCard("620000", 7))
	var first []byte
	for i := range 2 {
		d, err := emv.Read(t.Context(), &contacts{chip: chip}, emv.TestTerminal(), payment())
		if err != nil {
			t.Fatal(err)
		}
		d.Field55.Reveal(func(b []byte) {
			if i == 0 {
				first = append(first, b...)
			} else if string(b) == string(first) {
				t.Error("the card gives the same twice")
			}
			spoilt := append([]byte(nil), b...)
			spoilt[len("9F26080011223344556677")/2-1] ^= 1 // in the cryptogram
			if chip.Check(spoilt) == nil {
				t.Error("a spoilt cryptogram is not noticed")
			}
		})
	}
}

func TestNothingOfACardIsPrintedAndAllOfItIsWiped(t *testing.T) {
	card := devicesim.TestCard("620000", 7)
	c := &contacts{chip: devicesim.NewChip(card)}
	d, err := emv.Read(t.Context(), c, emv.TestTerminal(), payment())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{d, *d} {
			if out := fmt.Sprintf(verb, v); strings.Contains(out, card.PAN) || strings.Contains(out, hex.EncodeToString([]byte(card.PAN))) {
				t.Errorf("%s prints the number", verb)
			}
		}
	}
	want(t, "masked", d.Masked(), card.PAN[:6]+"******"+card.PAN[12:])
	var kept []byte
	d.PAN.Reveal(func(b []byte) { kept = b })
	d.Wipe()
	for _, b := range append(c.seen, kept) {
		if strings.Trim(string(b), "\x00") != "" {
			t.Error("what the card said is not wiped")
		}
	}
	s, err := emv.Begin(emv.TestTerminal(), payment())
	if err != nil || fmt.Sprintf("%+v", s) != "(card session)" {
		t.Errorf("a session prints as %+v, %v", s, err)
	}
}

func TestFaultsOfCardsEndWithoutData(t *testing.T) {
	replace := func(at int, text string) func(int, []byte) []byte {
		return func(n int, b []byte) []byte {
			if n != at {
				return b
			}
			b, _ = hex.DecodeString(text)
			return b
		}
	}
	// Commands: 1 directory, 2 and 3 its records, 4 select, 5 options, 6 to 8 records, 9 cryptogram.
	for name, c := range map[string]struct {
		change func(int, []byte) []byte
		set    func(*devicesim.Chip)
		want   error
	}{
		"it says nothing":                    {replace(1, "90"), nil, emv.ErrCard},
		"a directory that is none":           {replace(1, "6F039000"), nil, emv.ErrCard},
		"a directory without a file":         {replace(1, "6F0484029F049000"), nil, emv.ErrCard},
		"a directory that is locked":         {replace(2, "6985"), nil, emv.ErrRefused},
		"a directory that breaks off":        {replace(2, "7005614F9000"), nil, emv.ErrCard},
		"no application of ours":             {replace(2, "700961074F05F0000000019000"), nil, emv.ErrNoApplication},
		"an empty directory":                 {replace(2, "6A83"), nil, emv.ErrNoApplication},
		"the application is blocked":         {replace(4, "6A81"), nil, emv.ErrNoApplication},
		"another application than was asked": {replace(4, "6F0A8405F000000001A5009000"), nil, emv.ErrCard},
		"it does not start":                  {replace(5, "6985"), nil, emv.ErrRefused},
		"files of no number":                 {replace(5, "800602000001010090009000"), nil, emv.ErrCard},
		"neither form":                       {replace(5, "7000"+"9000"), nil, emv.ErrCard},
		"a record that is not there":         {replace(6, "6A83"), nil, emv.ErrRefused},
		"a record that is none":              {replace(6, "80009000"), nil, emv.ErrCard},
		"a record with the same data again":  {replace(7, "70045702"+"1234"+"9000"), nil, emv.ErrCard},
		"no list for its cryptogram":         {replace(8, "70009000"), nil, emv.ErrCard},
		"a list that breaks off":             {replace(8, "7003"+"8C019F"+"9000"), nil, emv.ErrCard},
		"a list that asks for too much":      {replace(8, "7008"+"8C069F02FF9F03FF"+"9000"), nil, emv.ErrCard},
		"no cryptogram":                      {replace(9, "6985"), nil, emv.ErrRefused},
		"half a cryptogram":                  {replace(9, "8007"+"80000111223344"+"9000"), nil, emv.ErrCard},
		"a cryptogram of another kind":       {replace(9, "800B"+"400001"+"1122334455667788"+"9000"), nil, emv.ErrCard},
		"a value that no answer can hold":    {replace(9, "77820145"+"9F270180"+"9F36020001"+"9F26081122334455667788"+"9F1082012C"+strings.Repeat("00", 300)+"9000"), nil, emv.ErrCard},
		"it declines":                        {nil, func(c *devicesim.Chip) { c.Declines = true }, emv.ErrDeclined},
		"a directory without end": {func(n int, b []byte) []byte {
			if n > 1 {
				b, _ = hex.DecodeString("70009000")
			}
			return b
		}, nil, emv.ErrCard},
	} {
		t.Run(name, func(t *testing.T) {
			card := &contacts{chip: devicesim.NewChip(devicesim.TestCard("620000", 7)), change: c.change}
			if c.set != nil {
				c.set(card.chip)
			}
			d, err := emv.Read(t.Context(), card, emv.TestTerminal(), payment())
			if !errors.Is(err, c.want) || d != nil {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestAPaymentThatIsNoneAsksNoCard(t *testing.T) {
	for name, change := range map[string]func(*emv.Terminal, *emv.Payment){
		"no amount":      func(_ *emv.Terminal, p *emv.Payment) { p.Amount = 0 },
		"too much":       func(_ *emv.Terminal, p *emv.Payment) { p.Amount = 1_000_000_000_000 },
		"letters":        func(_ *emv.Terminal, p *emv.Payment) { p.Currency = "CNY" },
		"no country":     func(x *emv.Terminal, _ *emv.Payment) { x.Country = "" },
		"no application": func(x *emv.Terminal, _ *emv.Payment) { x.AIDs = nil },
		"a short serial": func(x *emv.Terminal, _ *emv.Payment) { x.Serial = "1" },
	} {
		terminal, p := emv.TestTerminal(), payment()
		change(&terminal, &p)
		c := &contacts{chip: devicesim.NewChip(devicesim.TestCard("620000", 7))}
		if _, err := emv.Read(t.Context(), c, terminal, p); err == nil || c.n > 0 {
			t.Errorf("%s: %v after %d commands", name, err, c.n)
		}
	}
}

func TestAnExpiredCardIsSaidToBe(t *testing.T) {
	p := payment()
	p.At = time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &contacts{chip: devicesim.NewChip(devicesim.TestCard("620000", 7))}
	d, err := emv.Read(t.Context(), c, emv.TestTerminal(), p)
	if err != nil {
		t.Fatal(err)
	}
	d.Field55.Reveal(func(b []byte) {
		if text := hex.EncodeToString(b); !strings.Contains(text, "95058040000000") || c.chip.Check(b) != nil {
			t.Errorf("field 55 is %s", text)
		}
	})
}

// FuzzAnAnswerOfACard: whatever a card says, a session ends with data that are whole, or with an error.
func FuzzAnAnswerOfACard(f *testing.F) {
	for at := range 9 {
		f.Add(at+1, []byte{0x70, 0x04, 0x57, 0x02, 0x12, 0x34, 0x90, 0x00})
	}
	f.Fuzz(func(t *testing.T, at int, answer []byte) {
		c := &contacts{chip: devicesim.NewChip(devicesim.TestCard("620000", 7)), change: func(n int, b []byte) []byte {
			if n == at {
				return append([]byte(nil), answer...)
			}
			return b
		}}
		d, err := emv.Read(t.Context(), c, emv.TestTerminal(), payment())
		if err != nil {
			return
		}
		d.PAN.Reveal(func(b []byte) {
			if len(b) < 8 || strings.Trim(string(b), "0123456789") != "" {
				t.Fatalf("a number of %d characters", len(b))
			}
		})
		d.Field55.Reveal(func(b []byte) {
			if len(b) > 512 {
				t.Fatalf("field 55 has %d bytes", len(b))
			}
		})
	})
}
