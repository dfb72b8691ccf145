package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// The master key of the public sign-on reply, and the keys in it (iso8583/keys_test.go names their sources).
const (
	signOnTMK = "258FB0AB70D025CDB99DF2C4D302D646"
	signOnPIK = "D931648F3DE313A4A22C15DCA4F4299E"
	signOnMAK = "AB7C577CC7A18045"
)

var signOnBlock = signOnReply[len(signOnReply)-80:]

func TestKeyBlockIsExplained(t *testing.T) {
	spaced := signOnBlock[:20] + " " + signOnBlock[20:40] + "\n" + signOnBlock[40:]
	for name, args := range map[string][]string{
		"arguments":       {signOnBlock[:10], signOnBlock[10:]},
		"stdin":           {"-"},
		"file":            {kept(t, spaced)},
		"message":         {"--dialect", "unionpay", signOnReply},
		"message in file": {"--dialect", "unionpay", kept(t, signOnReply)},
	} {
		out, complaint, code := bench(t, spaced, append([]string{"iso", "keys", "--tmk", kept(t, signOnTMK+"\n")}, args...)...)
		if code != success {
			t.Fatalf("%s: exit %d, %s", name, code, complaint)
		}
		for _, want := range []string{
			"block       40 bytes, 2 keys, wrapped by DES", "master key  16 bytes, check value D0E06F38",
			"PIK PIN key 密码密钥       16   16  900ECCE3  ✓ fits 相符", "MAK MAC key 校验密钥       16    8  CFF1592A  ✓ fits 相符",
			"single length, zeros in the rest of its place 单倍长,其余补零",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, out)
			}
		}
		for _, key := range []string{signOnTMK, signOnPIK, signOnMAK} {
			if strings.Contains(out+complaint, key) {
				t.Errorf("%s: a key shows:\n%s", name, out)
			}
		}
	}
}

func TestKeysShowOnlyWhenAsked(t *testing.T) {
	for _, flags := range [][]string{{"--reveal"}, {"--reveal", "--json"}} {
		out, _, _ := bench(t, "", append([]string{"iso", "keys", "--tmk", signOnTMK, signOnBlock}, flags...)...)
		if !strings.Contains(out, signOnPIK) || !strings.Contains(out, signOnMAK) || strings.Contains(out, signOnTMK) {
			t.Errorf("%v: %s", flags, out)
		}
	}
	out, _, _ := bench(t, "", "iso", "keys", "--json", "--tmk", signOnTMK, signOnBlock)
	var got keysReport
	if err := json.Unmarshal([]byte(out), &got); err != nil || strings.Contains(out, signOnMAK) {
		t.Fatalf("%v, %s", err, out)
	}
	if len(got.Keys) != 2 || !got.Keys[0].Fits || got.Keys[1].Length != 8 || got.Keys[1].Place != 16 || got.Master.Checks["DES"] != "D0E06F38" {
		t.Errorf("got %s", out)
	}
}

func TestKeysThatDoNotFitComeWithAReason(t *testing.T) {
	halves := signOnTMK[16:] + signOnTMK[:16]
	single, _, _ := bench(t, "", "iso", "keys", "--wrap", "--tmk", textbook[:16], signOnPIK, signOnMAK)
	right, _, _ := bench(t, "", "iso", "keys", "--wrap", "--tmk", textbook[16:], signOnPIK, signOnMAK)
	for name, c := range map[string]struct{ tmk, block, says string }{
		"another master key":      {textbook, signOnBlock, "another master key than the host's"},
		"halves exchanged":        {halves, signOnBlock, "halves exchanged"},
		"host uses single DES":    {textbook, single, "left half of the master key alone"},
		"right half alone":        {textbook, right, "right half"},
		"host uses double length": {signOnTMK + textbook[:16], signOnBlock, "first 16 bytes of the master key"},
		"one damaged":             {signOnTMK, strings.Replace(signOnBlock, "977731", "977732", 1), "this one was damaged"},
		"single-length master":    {textbook[:16], signOnBlock, "another master key than the host's"},
	} {
		out, complaint, code := bench(t, "", "iso", "keys", "--tmk", c.tmk, c.block)
		if code != problem || !strings.Contains(out, c.says) || !strings.Contains(out, "✗ does not fit 不符") || !strings.Contains(complaint, "cannot be used") {
			t.Errorf("%s: exit %d, %s%s", name, code, out, complaint)
		}
	}
}

func TestBlocksOfEveryLengthAreMadeAndOpened(t *testing.T) {
	long := "1122334455667788A1B2C3D4E5F60718293A4B5C6D7E8F90"
	for _, c := range []struct {
		keys  []string
		flags []string
		bytes int
		says  string
	}{
		{keys: []string{long[:16], long[16:32]}, bytes: 24, says: "wrapped by DES"},
		{keys: []string{long[:32], long[16:48]}, bytes: 40, says: "wrapped by DES"},
		{keys: []string{long[:32], long[:16] + long[:16]}, bytes: 40, says: "both halves are the same"},
		{keys: []string{long[:32], long[:16], long[16:48]}, bytes: 60, says: "TDK track key"},
		{keys: []string{long, long[:32], long}, bytes: 84, says: "shorter than its place"},
		{keys: []string{long[:32], long[16:48]}, flags: []string{"--sm4"}, bytes: 40, says: "wrapped by SM4"},
		{keys: []string{long[:32], long[16:48], long[:32]}, flags: []string{"--sm4"}, bytes: 60, says: "wrapped by SM4"},
	} {
		args := append([]string{"iso", "keys", "--wrap", "--tmk", textbook}, c.flags...)
		block, complaint, code := bench(t, "", append(args, c.keys...)...)
		if code != success || len(strings.TrimSpace(block)) != 2*c.bytes {
			t.Fatalf("%v: exit %d, %s%s", c.keys, code, block, complaint)
		}
		if piped, _, _ := bench(t, strings.Join(c.keys, "\n"), append(args, "-")...); piped != block {
			t.Errorf("%v from standard input: %s", c.keys, piped)
		}
		out, complaint, code := bench(t, block, "iso", "keys", "--reveal", "--tmk", textbook, "-")
		if code != success || !strings.Contains(out, c.says) {
			t.Errorf("%v: exit %d, %s%s", c.keys, code, out, complaint)
		}
		for _, key := range c.keys {
			if !strings.Contains(out, key+"\n") {
				t.Errorf("%v: %s is not there:\n%s", c.keys, key, out)
			}
		}
	}
}

func TestTrackKeyMayBeMissingAndNoOther(t *testing.T) {
	with, _, _ := bench(t, "", "iso", "keys", "--wrap", "--tmk", textbook, signOnPIK, signOnMAK, signOnPIK)
	without := with[:80] + strings.Repeat("0", 40)
	out, complaint, code := bench(t, "", "iso", "keys", "--tmk", textbook, without)
	if code != success || !strings.Contains(out, "–  not there 无") {
		t.Errorf("no track key: exit %d, %s%s", code, out, complaint)
	}
	out, complaint, code = bench(t, "", "iso", "keys", "--tmk", textbook, strings.Repeat("0", 40)+with[40:])
	if code != problem || !strings.Contains(out, "✗ no key 无密钥") || !strings.Contains(complaint, "1 of 3 keys") {
		t.Errorf("no PIN key: exit %d, %s%s", code, out, complaint)
	}
}

func TestCheckValueOfOneKey(t *testing.T) {
	for key, want := range map[string]string{
		signOnPIK: "900ECCE3", signOnMAK: "CFF1592A", "F351D490994603795C6EBEE8FAEBB481": "861E83E3",
	} {
		out, _, code := bench(t, "", "iso", "keys", "--check", key)
		if code != success || !strings.Contains(out, want) || strings.Contains(out, key) {
			t.Errorf("exit %d, %s, want %s", code, out, want)
		}
		out, _, _ = bench(t, "", "iso", "keys", "--json", "--check", kept(t, key))
		if !json.Valid([]byte(out)) || !strings.Contains(out, want) {
			t.Errorf("as JSON: %s", out)
		}
	}
}

func TestKeysArgumentsThatCannotBeAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no master key":         {[]string{signOnBlock}, "--tmk"},
		"master key of 9 bytes": {[]string{"--tmk", textbook[:18], signOnBlock}, "8, 16 or 24 wanted"},
		"block of 39 bytes":     {[]string{"--tmk", textbook, signOnBlock[:78]}, "24, 40, 60 or 84 wanted"},
		"no hex":                {[]string{"--tmk", textbook, "key"}, "no hex digit"},
		"message without keys":  {[]string{"--tmk", textbook, "--dialect", "unionpay", "600003000060220000000008200000000000000010" + "0003" + "1230"}, "carries no keys"},
		"one key to wrap":       {[]string{"--wrap", "--tmk", textbook, textbook}, "two or three"},
		"keys of 9 bytes":       {[]string{"--wrap", "--tmk", textbook, textbook[:18], textbook[:18]}, "PIK"},
		"SM4 of 8 bytes":        {[]string{"--wrap", "--sm4", "--tmk", textbook, textbook[:16], textbook[:16]}, "SM4 wants 16"},
		"SM4 when opening":      {[]string{"--sm4", "--tmk", textbook, signOnBlock}, "--wrap"},
		"check of 9 bytes":      {[]string{"--check", textbook[:18]}, "8, 16 or 24"},
	} {
		out, complaint, code := bench(t, "", append([]string{"iso", "keys"}, c.args...)...)
		if code != problem || out != "" || !strings.Contains(complaint, c.says) || strings.Contains(complaint, textbook[:16]) {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, complaint)
		}
	}
}
