package iso8583_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"posd/iso8583"
)

// cardMessage has everything that must not be seen, from test card numbers.
func cardMessage(t testing.TB) *iso8583.Message {
	t.Helper()
	m := &iso8583.Message{MTI: "0200"}
	m.Set(2, "4111111111111111")
	m.Set(3, "000000")
	m.Set(14, "3012")
	m.Set(35, "4111111111111111D30122010000000000000")
	m.Set(36, "994111111111111111D1561560000000000")
	m.Set(45, "B4111111111111111^HOLDER/TEST^3012201")
	m.SetBytes(52, unhex(t, "1122334455667788"))
	m.SetBytes(55, unhex(t, "9F260801020304050607085A0841111111111111119F3704AABBCCDD"))
	m.SetBytes(62, []byte("284412345678901234"))
	return m
}

func TestJournalKeepsNoSecretOfAMessage(t *testing.T) {
	got := unionpay(t).Masked(cardMessage(t))
	want := map[string]string{
		"2": "411111******1111", "3": "000000", "14": "(4 bytes)", "35": "(37 bytes)", "36": "(35 bytes)", "45": "(37 bytes)",
		"52": "(8 bytes)", "55": "(28 bytes)", "62": "(18 bytes)",
	}
	for n, v := range want {
		if got[n] != v {
			t.Errorf("F%s: got %q, want %q", n, got[n], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

func TestBenchMasksCardsTracksAndPINBlocksUnlessAskedTo(t *testing.T) {
	d := unionpay(t)
	want := map[int]string{
		2: "411111******1111", 3: "000000", 14: "3012", 35: "411111******1111D" + strings.Repeat("*", 20),
		36: "994111********1111D" + strings.Repeat("*", 16), 45: "B41111*******1111^" + strings.Repeat("*", 19),
		52: "hex:****************", 55: "hex:9F260801020304050607085A08****************9F3704AABBCCDD",
		62: "hex:" + strings.Repeat("*", 36), // a payment code that is no BER-TLV
	}
	m := cardMessage(t)
	for _, l := range d.Describe(m, false) {
		if l.Value != want[l.Field] {
			t.Errorf("F%d: got %q, want %q", l.Field, l.Value, want[l.Field])
		}
	}
	for _, l := range d.Describe(m, true) {
		if l.Value != m.Text(l.Field) || l.Name == "" {
			t.Errorf("F%d revealed: got %q (%s)", l.Field, l.Value, l.Name)
		}
	}
}

func TestUnsaidClassIsSecret(t *testing.T) {
	d := other(t)
	if d.Class(127, "0800") != iso8583.Secret || d.Class(99, "0800") != iso8583.Secret || d.Class(2, "0100") != iso8583.Masked {
		t.Error("an unsaid class is not secret")
	}
	m := &iso8583.Message{MTI: "0800"}
	m.SetBytes(127, []byte("key"))
	if l := d.Describe(m, false); l[0].Value != "hex:******" {
		t.Errorf("the bench shows a secret field: %q", l[0].Value)
	}
}

func TestChipDataThatCannotBeReadIsMaskedAsAWhole(t *testing.T) {
	d := unionpay(t)
	for _, raw := range []string{"5A0841111111", "5A", "9F", "5A8341111111", "5A80", "70065A0441111111FF"} {
		m := &iso8583.Message{MTI: "0200"}
		m.SetBytes(55, unhex(t, raw))
		if l := d.Describe(m, false); strings.Contains(l[0].Value, "4111") {
			t.Errorf("%s: shown as %s", raw, l[0].Value)
		}
	}
	m := &iso8583.Message{MTI: "0200"}
	m.SetBytes(55, unhex(t, "70065A0441111111"))
	if l := d.Describe(m, false); l[0].Value != "hex:70065A04********" {
		t.Errorf("within a template: %s", l[0].Value)
	}
}

func TestAnswerCodesComeWithTextAndAction(t *testing.T) {
	d := unionpay(t)
	for _, c := range []struct{ mti, code, says string }{
		{"0210", "00", "approve"},
		{"0210", "51", "资金不足 / insufficient funds -> decline"},
		{"0210", "ZZ", "decline"},
		{"0410", "25", "reversal in_doubt"},
		{"0400", "98", "reversal reason: no_answer"},
		{"0400", "00", "not one that"},
		{"0200", "00", ""},
	} {
		m := &iso8583.Message{MTI: c.mti}
		m.Set(39, c.code)
		if got := d.Describe(m, false)[0].Note; !strings.Contains(got, c.says) || (got == "") != (c.says == "") {
			t.Errorf("%s with %s: got %q, want %q", c.mti, c.code, got, c.says)
		}
	}
}

func TestActionsOfUnionPayAreTheCarefulOnes(t *testing.T) {
	d := unionpay(t)
	for code, want := range map[string]iso8583.Action{
		"00": iso8583.ActionApprove, "11": iso8583.ActionApprove, "A2": iso8583.ActionApprove, "10": iso8583.ActionPartial,
		"51": iso8583.ActionDecline, "??": iso8583.ActionDecline, "A0": iso8583.ActionSignOn, "77": iso8583.ActionSignOn,
		"13": iso8583.ActionRetry, "": iso8583.ActionUnknown,
	} {
		if got := d.Action(code); got.Action != want {
			t.Errorf("%q: got %v, want %v", code, got.Action, want)
		}
	}
	for code, want := range map[string]iso8583.ReversalAction{
		"00": iso8583.ReversalFinal, "12": iso8583.ReversalInDoubt, "25": iso8583.ReversalInDoubt, "01": iso8583.ReversalRefused,
		"64": iso8583.ReversalRefused, "A0": iso8583.ReversalSignOn, "96": iso8583.ReversalRetry, "": iso8583.ReversalRetry,
	} {
		if got := d.ReversalAction(code); got != want {
			t.Errorf("%q: got %v, want %v", code, got, want)
		}
	}
}

func TestAnswersAreHeldAgainstTheirRequests(t *testing.T) {
	d := unionpay(t)
	base := map[int]string{3: "000000", 4: "000000001999", 11: "000123", 41: "10000001", 42: "100000000000001"}
	message := func(mti string, change map[int]string) *iso8583.Message {
		m := &iso8583.Message{MTI: mti}
		for n, v := range base {
			m.Set(n, v)
		}
		for n, v := range change {
			if m.Set(n, v); v == "" {
				m.Unset(n)
			}
		}
		return m
	}
	req := message("0200", nil)
	for name, c := range map[string]struct {
		reply *iso8583.Message
		want  []int
	}{
		"approval":                {message("0210", map[int]string{39: "00"}), nil},
		"another MTI":             {message("0410", map[int]string{39: "00"}), []int{0}},
		"the request itself":      {message("0200", map[int]string{39: "00"}), []int{0}},
		"another trace":           {message("0210", map[int]string{39: "00", 11: "000124"}), []int{11}},
		"approval, other amount":  {message("0210", map[int]string{39: "00", 4: "000000000999"}), []int{4}},
		"approval without amount": {message("0210", map[int]string{39: "00", 4: ""}), []int{4}},
		"partial, other amount":   {message("0210", map[int]string{39: "10", 4: "000000000999"}), nil},
		"partial, other merchant": {message("0210", map[int]string{39: "10", 42: "100000000000002"}), []int{42}},
		"decline, less fields":    {message("0210", map[int]string{39: "51", 4: "", 42: ""}), nil},
	} {
		if got := d.Differs(req, c.reply); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestMatchKeysSeparateWhatTraceNumbersDoNot(t *testing.T) {
	d := unionpay(t)
	key := func(mti, terminal, trace string) string {
		m := &iso8583.Message{MTI: mti}
		m.Set(41, terminal)
		m.Set(11, trace)
		return d.MatchKey(m)
	}
	sale := key("0200", "10000001", "000001")
	if key("0210", "10000001", "000001") != sale {
		t.Error("a request and its answer have different keys")
	}
	if key("0401", "1", "000001") != key("0410", "1       ", "000001") {
		t.Error("a repeat's answer has another key, or the spaces count")
	}
	for _, other := range []string{
		key("0410", "10000001", "000001"), key("0230", "10000001", "000001"), key("0210", "10000002", "000001"), key("0210", "10000001", "000002"),
	} {
		if other == sale {
			t.Errorf("%q is the key of another message", other)
		}
	}
}

func TestReplySwapsTheTPDU(t *testing.T) {
	tpdu, header := unionpay(t).Reply(&iso8583.Message{TPDU: "6000031234", Header: "603100311108"})
	if tpdu != "6012340003" || header != "603100311108" {
		t.Errorf("got %s %s", tpdu, header)
	}
	if _, header = other(t).Reply(&iso8583.Message{Header: "00000000"}); header != "49534F31" {
		t.Errorf("own header: got %s", header)
	}
}

func TestRolesFindPartsOfFields(t *testing.T) {
	d := unionpay(t)
	m := &iso8583.Message{MTI: "0810"}
	m.Set(60, "00000123003")
	m.SetBytes(62, []byte{1, 2})
	if got := d.Role(m, "batch"); got != "000123" {
		t.Errorf("batch: got %q", got)
	}
	if got := d.RoleBytes(m, "keys"); len(got) != 2 || d.RoleField("keys") != 62 {
		t.Errorf("keys: got %X", got)
	}
	m.Set(60, "0000")
	if d.Role(m, "batch") != "" || d.Role(m, "rrn") != "" || d.Role(m, "colour") != "" {
		t.Error("a role that is not there has a value")
	}
}

func TestJSONWithFaultsSaysWhichWithoutContent(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"syntax":       {`{"mti": 4111`, "syntax"},
		"number":       {`{"mti":"0200","fields":{"3":4111}}`, "strings"},
		"no fields":    {`{"mti":"0200"}`, `"fields"`},
		"field number": {`{"mti":"0200","fields":{"1":"4111"}}`, "2 to 128"},
		"not plain":    {`{"mti":"0200","fields":{"03":"4111"}}`, `F3: its key is written in another way; hint: write it "3"`},
		"plus":         {`{"mti":"0200","fields":{"+3":"4111","3":"4111"}}`, "F3: "},
		"twice":        {`{"mti":"0200","fields":{"3":"4111","4":"1","3":"4111"}}`, `fields: "3" comes twice`},
		"escaped":      {`{"mti":"0200","fields":{"3":"4111","\u0033":"4111"}}`, `fields: "3" comes twice`},
		"mti twice":    {`{"mti":"0200","MTI":"0400","fields":{"3":"4111"}}`, `json: "mti" comes twice`},
		"fields twice": {`{"mti":"0200","fields":{"3":"4111"},"fields":{"4":"4111"}}`, `json: "fields" comes twice`},
		"card twice":   {`{"mti":"0200","fields":{"4111111111111111":"1","4111111111111111":"1"}}`, `fields: a key comes twice`},
		"masked card":  {`{"mti":"0200","fields":{"2":"411111******1111"}}`, "--reveal"},
		"masked bytes": {`{"mti":"0200","fields":{"52":"hex:4111****"}}`, "--reveal"},
	} {
		_, err := iso8583.ParseJSON([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "4111") {
			t.Errorf("%s: got %v, want %q and no content", name, err, c.says)
		}
	}
}

func TestTextThatLooksLikeHexSurvivesJSON(t *testing.T) {
	d := unionpay(t)
	m := &iso8583.Message{MTI: "0200"}
	m.Set(63, "hex:00 <&>")
	text, err := d.JSON(m, 3, true)
	if err != nil || !json.Valid(text) {
		t.Fatalf("%s, %v", text, err)
	}
	again, err := iso8583.ParseJSON(text)
	if err != nil || string(again.Bytes(63)) != "hex:00 <&>" {
		t.Errorf("%s: got %q, %v", text, again.Bytes(63), err)
	}
}
