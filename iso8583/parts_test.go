package iso8583_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"posd/iso8583"
)

func partsDialect(t testing.TB) *iso8583.Dialect {
	t.Helper()
	text, err := os.ReadFile("testdata/parts.toml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := iso8583.Load("parts.toml", text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// chipData is field 55 as a UnionPay terminal sends it, of a test card.
const chipData = "9F26081122334455667788" + "9F2701809F101307010103A0A010010A010000000000A1B2C3D4" + "9F3704AABBCCDD" + "9F36020123" +
	"9505008004E000" + "9A03261122" + "9C0100" + "9F02060000000019995F2A020156" + "82027C00" + "9F1A020156" + "9F03060000000000009F3303E0F0C8" +
	"9F34034203009F3501229F1E083132333435363738" + "8408A000000333010101" + "9F09020030" + "9F410400000123" + "9F631030313033303030300000000000000000" +
	"5A0862284800000000005F340101" + "57116228480000000000D30122010000012345" + "5F200B544553542F484F4C444552" + "DF310500000000015006556E696F6E21"

func TestChipDataIsListedByTagWithNamesAndMasks(t *testing.T) {
	d := unionpay(t)
	m := &iso8583.Message{MTI: "0200"}
	m.SetBytes(55, unhex(t, chipData))
	parts, err := d.Parts(m, 55)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]iso8583.Part{}
	for _, p := range parts {
		got[p.Path] = p
	}
	for path, want := range map[string]struct{ zh, text, shown string }{
		"55.9F26": {"应用密文(AC)", "hex:1122334455667788", "hex:1122334455667788"},
		"55.9F02": {"授权金额", "000000001999", "000000001999"},
		"55.9A":   {"交易日期", "261122", "261122"},
		"55.9F36": {"应用交易计数器(ATC)", "hex:0123", "hex:0123"},
		"55.9F1E": {"接口设备序列号", "12345678", "12345678"},
		"55.5A":   {"应用主账号", "6228480000000000", "622848******0000"},
		"55.57":   {"二磁道等价数据", "6228480000000000D30122010000012345", "622848******0000D*****************"},
		"55.5F20": {"持卡人姓名", "hex:544553542F484F4C444552", "hex:**********************"},
		"55.DF31": {"发卡行脚本结果", "hex:0000000001", "hex:0000000001"},
		"55.50":   {"应用标签", "Union!", "Union!"},
	} {
		p, ok := got[path]
		if !ok || p.ZH != want.zh || p.Name == "" || p.Text() != want.text || p.Shown(false) != want.shown || p.Shown(true) != want.text {
			t.Errorf("%s: got %s %q %q %q", path, p.ZH, p.Text(), p.Shown(false), p.Shown(true))
		}
		if text, ok := d.Part(m, path); !ok || text != want.text {
			t.Errorf("%s alone: got %q, %v", path, text, ok)
		}
	}
	if len(parts) != 27 || parts[0].Path != "55.9F26" || parts[26].Path != "55.50" {
		t.Errorf("got %d parts from %v to %v", len(parts), parts[0], parts[len(parts)-1])
	}
	if at := got["55.9A"]; string(unhex(t, chipData)[at.Offset:at.Offset+at.Size]) != "\x26\x11\x22" {
		t.Errorf("9A stands at %d, %d bytes", at.Offset, at.Size)
	}
}

func TestPartsOfEveryLayout(t *testing.T) {
	d := partsDialect(t)
	for name, c := range map[string]struct {
		mti, value string
		field      int
		want       []string
	}{
		"tags in text":        {"0200", "01006000007PN0164111111111111111ZZ003abc", 48, []string{"48.01=000007", "48.PN=411111******1111", "48.ZZ=***"}},
		"constructed":         {"0200", "hex:00720D9F1804800000008604AABBCCDD00DF5A024F4BFFFF", 55, []string{"55.72=(13 bytes)", "55.72.9F18=hex:80000000", "55.72.86=hex:AABBCCDD", "55.DF5A=OK"}},
		"repeated":            {"0200", "hex:720686010186010200", 55, []string{"55.72=(6 bytes)", "55.72.86=hex:01", "55.72.86#2=hex:02"}},
		"long forms":          {"0200", "hex:9F2681089F10112233445566DF818301820001AA", 55, []string{"55.9F26=hex:9F10112233445566", "55.DF818301=hex:**"}},
		"digits, some":        {"0200", "22000007", 60, []string{"60.1=22", "60.2=000007"}},
		"digits and a rest":   {"0200", "2200000700051", 60, []string{"60.1=22", "60.2=000007", "60.3=000", "60.4=5", "60.rest=1"}},
		"open end of an MTI":  {"0820", "12345", 60, []string{"60.1=12345"}},
		"positions in bytes":  {"0200", "hex:0123024142AABBCCDD", 61, []string{"61.1=123", "61.2=**", "61.3=hex:AABBCCDD"}},
		"tags in bytes":       {"0200", "hex:A100020199B20001FF", 62, []string{"62.A1=0199", "62.B2=hex:**"}},
		"Chinese positions":   {"0210", "CUP中国银联            交易成功", 63, []string{"63.1=CUP", "63.2=中国银联            ", "63.3=交易成功"}},
		"no layout":           {"0200", "000001", 11, []string{}},
		"nothing of a layout": {"0200", "", 60, []string{}},
	} {
		m := &iso8583.Message{MTI: c.mti}
		setText(t, m, c.field, c.value)
		parts, err := d.Parts(m, c.field)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, p := range parts {
			got = append(got, p.Path+"="+p.Shown(false))
		}
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// setText sets a value as JSON has it.
func setText(t testing.TB, m *iso8583.Message, n int, v string) {
	t.Helper()
	if digits, ok := strings.CutPrefix(v, "hex:"); ok {
		m.SetBytes(n, unhex(t, digits))
		return
	}
	m.Set(n, v)
}

func hexOf(s string) string { return fmt.Sprintf("%X", s) }

func TestNestedBitmapsAreBuiltAndReadPartByPart(t *testing.T) {
	d := partsDialect(t)
	m := &iso8583.Message{MTI: "0200"}
	steps := []struct{ path, value string }{
		{"127.64", "Z"}, {"127.25.28", "00000147"}, {"127.2", "ORDER1"}, {"127.25.128", "AB"}, {"127.25.2", "000000001999"}, {"127.25.70", "hex:0F0E"},
	}
	for _, s := range steps {
		if err := d.SetPart(m, s.path, s.value); err != nil {
			t.Fatalf("%s: %v", s.path, err)
		}
	}
	want := "4000008000000001" + hexOf("06ORDER1"+"061"+"C000001000000000"+"0400000000000001"+"000000001999"+"800000147"+"0F0E"+"AB  ") + hexOf("Z")
	if got := m.Text(127); got != "hex:"+want {
		t.Errorf("got  %s\nwant hex:%s", got, want)
	}
	packed, err := d.Pack(nil, m)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := d.Unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := d.Parts(again, 127)
	var got []string
	for _, p := range parts {
		got = append(got, p.Path)
	}
	if err != nil || strings.Join(got, " ") != "127.2 127.25 127.25.2 127.25.28 127.25.70 127.25.128 127.64" {
		t.Errorf("got %v, %v", got, err)
	}
	for _, s := range steps {
		if text, ok := d.Part(again, s.path); !ok || strings.TrimRight(text, " ") != s.value {
			t.Errorf("%s: got %q, %v, want %q", s.path, text, ok, s.value)
		}
	}
	if !parts[1].Group || parts[1].Shown(false) != "(61 bytes)" {
		t.Errorf("127.25: %s", parts[1].Shown(false))
	}
}

func TestSetPartKeepsTheOtherBytes(t *testing.T) {
	d := partsDialect(t)
	for name, c := range map[string]struct {
		field            int
		was, path, value string
		want             string
	}{
		"replace":             {55, "hex:9F26021122FF950100", "55.9F26", "hex:3344", "hex:9F26023344FF950100"},
		"longer than before":  {55, "hex:FF95810100", "55.95", "hex:" + strings.Repeat("AA", 200), "hex:FF9581C8" + strings.Repeat("AA", 200)},
		"add":                 {55, "hex:950100", "55.9F02", "000000001999", "hex:9501009F0206000000001999"},
		"inside of another":   {55, "hex:7203860101950100", "55.72.86", "hex:020304", "hex:7205860302030495" + "0100"},
		"the second":          {55, "hex:7206860101860102", "55.72.86#2", "hex:FF", "hex:72068601018601FF"},
		"a new template":      {55, "hex:950100", "55.70.5A", "6228480000000000019", "hex:950100700C5A0A6228480000000000019F"},
		"first of a field":    {55, "", "55.95", "hex:00", "hex:950100"},
		"a position":          {60, "22000007000", "60.2", "000008", "22000008000"},
		"the next position":   {60, "22000007000", "60.4", "5", "220000070005"},
		"a tag in text":       {48, "01006000007ZZ003abc", "48.ZZ", "中", "01006000007ZZ002中"},
		"a new tag":           {48, "", "48.PN", "4111111111111111", "PN0164111111111111111"},
		"a tag in bytes":      {62, "hex:B20001FF", "62.A1", "0199", "hex:B20001FFA100020199"},
		"padded position":     {63, "CUP", "63.2", "中国", "CUP中国                "},
		"position in bytes":   {61, "hex:0123024142AABBCCDD", "61.2", "中", "hex:012302D6D0AABBCCDD"},
		"the same once again": {60, "22000007000501", "60.2", "000007", "22000007000501"},
	} {
		m := &iso8583.Message{MTI: "0200"}
		if c.was != "" {
			setText(t, m, c.field, c.was)
		}
		if err := d.SetPart(m, c.path, c.value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := m.Text(c.field); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

func TestPartsThatCannotBeReadNamePathAndPlace(t *testing.T) {
	d := partsDialect(t)
	for name, c := range map[string]struct {
		field       int
		value, path string
		offset      int
		says        string
	}{
		"tag cut":            {55, "hex:9501009F", "55", 3, "cut short"},
		"tag without end":    {55, "hex:9F81828304", "55", 0, "longer than four"},
		"length missing":     {55, "hex:9F26", "55.9F26", 2, "missing"},
		"length cut":         {55, "hex:9F2682", "55.9F26", 2, "cut short"},
		"length too long":    {55, "hex:9501009F10081122", "55.9F10", 5, "more than what is left"},
		"length of 2^63":     {55, "hex:9F268841111111111111111", "55.9F26", 2, "longer than four"},
		"indefinite":         {55, "hex:72800000", "55.72", 1, "indefinite"},
		"unknown tag":        {55, "hex:41114111", "55", 0, "more than what is left"},
		"inside of another":  {55, "hex:720595024111AA", "55.72", 6, "missing"},
		"position cut":       {60, "2200", "60.2", 2, "needs 6 bytes, 2 are left"},
		"not digits":         {61, "hex:0A23", "61.1", 0, "above 9"},
		"length of a part":   {61, "hex:0123034142", "61.2", 2, "needs 3 bytes"},
		"tag in text cut":    {48, "0", "48", 0, "1 are left"},
		"tag no letters":     {48, "0-006000007", "48", 0, "letters and digits"},
		"tag's length":       {48, "010x6000007", "48.01", 2, "not ascii"},
		"tag's format":       {48, "01005000007", "48.01", 5, "length 5, the format has 6"},
		"tag's digits":       {48, "0100600000x", "48.01", 10, "digits"},
		"unknown tag's size": {48, "41111111111", "48", 2, "are left"},
		"bitmap cut":         {127, "hex:4000", "127", 0, "2 are left"},
		"no such part":       {127, "hex:20000000000000000000", "127.3", 8, "no such part"},
		"part cut":           {127, "hex:40000000000000003033AA", "127.2", 8, "1 are left"},
		"trailing":           {127, "hex:40000000000000003030AA", "127", 10, "1 bytes follow"},
		"inner bitmap":       {127, "hex:0000008000000000" + hexOf("016"+"40000000000000zz"), "127.25", 25, "upper-case hex"},
		"inner part":         {127, "hex:0000008000000000" + hexOf("0204000000000000000"+"0000"), "127.25.2", 27, "4 are left"},
	} {
		m := &iso8583.Message{MTI: "0200"}
		if strings.HasPrefix(c.value, "hex:") && len(c.value)%2 == 1 {
			c.value += "0"
		}
		setText(t, m, c.field, c.value)
		_, err := d.Parts(m, c.field)
		var f *iso8583.FieldError
		if !errors.As(err, &f) || f.Field != c.field || f.Path != c.path || f.Offset != c.offset || !strings.Contains(f.Rule, c.says) {
			t.Errorf("%s: got %v, want %s at %d, %q", name, err, c.path, c.offset, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "4111") {
			t.Errorf("%s: shows content: %v", name, err)
		}
	}
}

func TestPartsBeforeAFaultAreGivenWithIt(t *testing.T) {
	d := partsDialect(t)
	m := &iso8583.Message{MTI: "0200"}
	m.SetBytes(55, unhex(t, "7203860201"+"9F26021122"))
	parts, err := d.Parts(m, 55)
	if err == nil || len(parts) != 2 || parts[1].Path != "55.9F26" {
		t.Errorf("got %v, %v", parts, err)
	}
	if _, ok := d.Part(m, "55.72.86"); ok {
		t.Error("a part of what cannot be read was believed")
	}
}

func TestWrongValuesAndPathsLeaveTheFieldAsItWas(t *testing.T) {
	d := partsDialect(t)
	for name, c := range map[string]struct{ path, value, says string }{
		"no path":           {"60", "1", "55.9F26"},
		"no field":          {"99.1", "1", "55.9F26"},
		"empty":             {"", "1", "55.9F26"},
		"empty part":        {"55.", "1", "no such part"},
		"no layout":         {"11.1", "1", "11.1"},
		"no such position":  {"60.9", "1", "parts 1 to 4"},
		"gap":               {"60.4", "1", "part 2 stands before it"},
		"too long":          {"60.1", "123", "length 3"},
		"not digits":        {"60.1", "4x", "digits"},
		"no tag":            {"55.9F", "hex:11", "no tag"},
		"padding":           {"55.FF20", "hex:11", "no tag"},
		"lower case":        {"55.9f26", "hex:11", "no tag"},
		"odd digits":        {"55.9F02", "411111111111111", "even number"},
		"second of none":    {"55.95#2", "hex:11", "not there"},
		"no tag of text":    {"48.ABC", "x", "no tag"},
		"Korean in GBK":     {"48.ZZ", "한", "character"},
		"no inner":          {"127.2.1", "x", "no such part"},
		"unknown nested":    {"127.25.3", "x", "no such part"},
		"deep":              {"55.72.72.72.72.72.72.72.72.72", "hex:", "names no part"},
		"too long for tags": {"48.01", "1234567", "length 7"},
	} {
		m := &iso8583.Message{MTI: "0200"}
		m.Set(60, "22")
		err := d.SetPart(m, c.path, c.value)
		var f *iso8583.FieldError
		if !errors.As(err, &f) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "4111") {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
		if m.Text(60) != "22" || len(m.Fields()) != 1 {
			t.Errorf("%s: the message is now %v", name, m)
		}
		if _, ok := d.Part(m, c.path); ok && c.path != "60.1" {
			t.Errorf("%s: there is such a part", name)
		}
	}
}

func TestPartsPrintTheirPathOnly(t *testing.T) {
	d := unionpay(t)
	m := &iso8583.Message{MTI: "0200"}
	m.SetBytes(55, unhex(t, "5A084111111111111111"))
	parts, err := d.Parts(m, 55)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		if got := fmt.Sprintf(verb, parts[0]); got != "55.5A" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

func TestAnOpenPartInHexWantsWholeBytes(t *testing.T) {
	d, err := iso8583.Load("hex.toml", []byte(`name = "hex"
[codec]
binary = "hex"
[fields]
48 = { format = "ans..99 LL" }
[[sub]]
field  = "48"
layout = "positions"
parts  = [{ format = "an2" }, { format = "b..40" }]
`))
	if err != nil {
		t.Fatal(err)
	}
	const long = "0123456789ABCDEF0123456789ABCDEF"
	for value, c := range map[string]struct {
		offset int
		says   string
	}{
		"01AB":                {-1, ""},
		"01" + long:           {-1, ""},
		"01ABC":               {4, "3 hex characters"},
		"01" + long + "A":     {34, "33 hex characters"},
		"01ABx":               {4, "upper-case hex"},
		"01" + long + "x":     {34, "upper-case hex"},
		"01" + long[1:] + "=": {33, "upper-case hex"},
		"01=" + long[1:]:      {2, "upper-case hex"},
		"01" + long + "A?":    {35, "upper-case hex"},
	} {
		m := &iso8583.Message{MTI: "0200"}
		m.Set(48, value)
		got, ok := d.Part(m, "48.2")
		_, err := d.Parts(m, 48)
		var f *iso8583.FieldError
		if c.says == "" {
			if err != nil || !ok || got != "hex:"+value[2:] {
				t.Errorf("%d characters: got %q, %v", len(value)-2, got, err)
			}
		} else if !errors.As(err, &f) || f.Path != "48.2" || f.Offset != c.offset || !strings.Contains(f.Rule, c.says) {
			t.Errorf("%d characters: got %v, want 48.2 at %d, %q", len(value)-2, err, c.offset, c.says)
		}
	}
}
