package iso8583_test

import (
	"bytes"
	"crypto/aes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm4"

	"posd/iso8583"
)

// nist is the message of the examples in NIST SP 800-38B, appendix D; they take the first bytes of it.
const nist = "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51" +
	"30C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710"

const (
	aes128   = "2B7E151628AED2A6ABF7158809CF4F3C"
	aes192   = "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B"
	aes256   = "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4"
	tdea3    = "8AA83BF8CBDA10620BC1BF19FBB6CD58BC313D4A371CA8B5"
	tdea2    = "4CF15134A2850DD58A3D10BA80570D38"
	gbt32907 = "0123456789ABCDEFFEDCBA9876543210"
	// fips113 is the example of FIPS 113 and ANSI X9.9, "7654321 Now is the time for ".
	fips113   = "37363534333231204E6F77206973207468652074696D6520666F7220"
	retailKey = "5775204D69616F6A756E404726444311"
	retailMsg = "4348454E48414F2D50437C424645424642464630303033303643337E3942503050443243" +
		"4E3730313633363649303034337C32303234303131317C32303235303130317C383139317C30"
	unionpayMsg = "0200302004C020C0981100000000000000000101386702100006379001100000000027D00000000000000000000031313131353030373132333435363738393131313131353135363D87C8B8FA17C67C26000000000000000011220014370000"
)

// knownAnswers are published, but for those that say openssl: no published sample is known of them, and OpenSSL 3.0
// was asked.
var knownAnswers = []struct{ name, alg, padding, key, data, want string }{
	{"X9.9", iso8583.X99, iso8583.PadZero, "0123456789ABCDEF", fips113, "F1D30F6849312CA4"},
	{"X9.9 with triple DES, openssl", iso8583.X99, iso8583.PadZero, gbt32907, fips113, "E5E7A413C3E3F4B5"},
	{"X9.19 with one key twice is X9.9", iso8583.X919, iso8583.PadZero, "0123456789ABCDEF0123456789ABCDEF", fips113, "F1D30F6849312CA4"},
	{"X9.19, 80", iso8583.X919, iso8583.Pad80, retailKey, retailMsg, "4089819D3D991CC7"},
	{"X9.19, zeros, openssl", iso8583.X919, iso8583.PadZero, retailKey, retailMsg, "FD401D253BDE7689"},
	{"UnionPay", iso8583.UnionPayECB, iso8583.PadZero, "7F52E3201FDF045E", unionpayMsg, "28C7AFB533AEE74D"},

	{"SP 800-38B D.1, nothing", iso8583.CMAC, "", aes128, "", "BB1D6929E95937287FA37D129B756746"},
	{"SP 800-38B D.1, one block", iso8583.CMAC, "", aes128, nist[:32], "070A16B46B4D4144F79BDD9DD04A287C"},
	{"SP 800-38B D.1, 40 bytes", iso8583.CMAC, "", aes128, nist[:80], "DFA66747DE9AE63030CA32611497C827"},
	{"SP 800-38B D.1, four blocks", iso8583.CMAC, "", aes128, nist, "51F0BEBF7E3B9D92FC49741779363CFE"},
	{"SP 800-38B D.2, nothing", iso8583.CMAC, "", aes192, "", "D17DDF46ADAACDE531CAC483DE7A9367"},
	{"SP 800-38B D.2, 40 bytes", iso8583.CMAC, "", aes192, nist[:80], "8A1DE5BE2EB31AAD089A82E6EE908B0E"},
	{"SP 800-38B D.2, four blocks", iso8583.CMAC, "", aes192, nist, "A1D5DF0EED790F794D77589659F39A11"},
	{"SP 800-38B D.3, nothing", iso8583.CMAC, "", aes256, "", "028962F61B7BF89EFC6B551F4667D983"},
	{"SP 800-38B D.3, 40 bytes", iso8583.CMAC, "", aes256, nist[:80], "AAF3D8F1DE5640C232F5B169B9C911E6"},
	{"SP 800-38B D.3, four blocks", iso8583.CMAC, "", aes256, nist, "E1992190549F6ED5696A2C056C315410"},
	{"SP 800-38B D.4, nothing", iso8583.CMACTDES, "", tdea3, "", "B7A688E122FFAF95"},
	{"SP 800-38B D.4, one block", iso8583.CMACTDES, "", tdea3, nist[:16], "8E8F293136283797"},
	{"SP 800-38B D.4, 20 bytes", iso8583.CMACTDES, "", tdea3, nist[:40], "743DDBE0CE2DC2ED"},
	{"SP 800-38B D.4, four blocks", iso8583.CMACTDES, "", tdea3, nist[:64], "33E6B1092400EAE5"},
	{"SP 800-38B D.5, nothing", iso8583.CMACTDES, "", tdea2, "", "BD2EBF9A3BA00361"},
	{"SP 800-38B D.5, one block", iso8583.CMACTDES, "", tdea2, nist[:16], "4FF2AB813C53CE83"},
	{"SP 800-38B D.5, 20 bytes", iso8583.CMACTDES, "", tdea2, nist[:40], "62DD1B471902BD4E"},
	{"SP 800-38B D.5, four blocks", iso8583.CMACTDES, "", tdea2, nist[:64], "31B1E431DABC4EB8"},

	{"CMAC with SM4, nothing, openssl", iso8583.CMACSM4, "", gbt32907, "", "29E154322E5C7BD8EE6A25BA549B24BC"},
	{"CMAC with SM4, one block, openssl", iso8583.CMACSM4, "", gbt32907, nist[:32], "07A0861EDEDD5CFCEAD8489011600B9C"},
	{"CMAC with SM4, 40 bytes, openssl", iso8583.CMACSM4, "", gbt32907, nist[:80], "67A8E59526F59125B5D91E626D23A37A"},
	{"CMAC with SM4, four blocks, openssl", iso8583.CMACSM4, "", gbt32907, nist, "CC8EDA3EEED4CD37B55FA09B06C6F630"},
	// The key and the text of a public page on the MAC of bank machines; its result is OpenSSL's.
	{
		"CBC-MAC with SM4, openssl", iso8583.SM4CBC, iso8583.PadZero, "C5945F5BDF1E2DD83C6BFCA9699975F3",
		"50434B31323039333339343332363430463037424543393632313431333030303130303234343032323230353136393536", "55BD7EFE36472A824105C55A5126AE60",
	},
	{
		"UnionPay with SM4, openssl", iso8583.UnionPaySM4, iso8583.PadZero, gbt32907,
		"00112233445566778899AABBCCDDEEFF0F1E2D3C4B5A69788796A5B4C3D2E1F0A1B2C3", "8838D9FA4C843DD38465FC50FFBE5C9B",
	},
}

func TestKnownAnswersOfEveryAlgorithm(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range knownAnswers {
		seen[c.alg] = true
		t.Run(c.name, func(t *testing.T) {
			rule := iso8583.MACRule{Algorithm: c.alg, Padding: c.padding}
			got, err := rule.Compute(unhex(t, c.key), unhex(t, c.data))
			if err != nil || !bytes.Equal(got, unhex(t, c.want)) {
				t.Errorf("got %X, %v, want %s", got, err, c.want)
			}
		})
	}
	for _, name := range iso8583.MACAlgorithms() {
		if !seen[name] {
			t.Errorf("%s has no known answer", name)
		}
	}
}

func TestSM4IsThatOfItsStandard(t *testing.T) {
	// GB/T 32907-2016, example 1: key and text are the same.
	block, err := sm4.NewCipher(unhex(t, gbt32907))
	if err != nil {
		t.Fatal(err)
	}
	got := unhex(t, gbt32907)
	block.Encrypt(got, got)
	if !bytes.Equal(got, unhex(t, "681EDF34D206965E86B3E94F536E4246")) {
		t.Errorf("got %X", got)
	}
	if block.BlockSize() != aes.BlockSize {
		t.Errorf("a block of %d bytes", block.BlockSize())
	}
}

// everyRule gives the combinations that Check lets pass, with a key each.
func everyRule(t testing.TB, each func(name string, rule iso8583.MACRule, key []byte)) {
	t.Helper()
	long := unhex(t, aes256)
	for _, alg := range iso8583.MACAlgorithms() {
		for _, padding := range []string{iso8583.PadZero, iso8583.Pad80} {
			for _, size := range []int{8, 16, 24, 32} {
				rule := iso8583.MACRule{Algorithm: alg, Padding: padding, KeyBytes: size}
				if rule.Check() == nil {
					each(fmt.Sprintf("%s padded with %s, key of %d", alg, padding, size), rule, long[:size])
				}
			}
		}
	}
}

func TestEveryBitOfTheDataCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	everyRule(t, func(name string, rule iso8583.MACRule, key []byte) {
		for _, size := range []int{1, 7, 8, 9, 15, 16, 17, 31, 32, 40, 83} {
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(random.Uint32())
			}
			good, err := rule.Compute(key, data)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for bit := range 8 * size {
				data[bit/8] ^= 1 << (bit % 8)
				if got, err := rule.Compute(key, data); err != nil || bytes.Equal(got[:8], good[:8]) {
					t.Fatalf("%s: bit %d of %d bytes changed and the MAC did not, %v", name, bit, size, err)
				}
				data[bit/8] ^= 1 << (bit % 8)
			}
		}
	})
}

func TestPaddingWith80TellsTrailingZerosApart(t *testing.T) {
	everyRule(t, func(name string, rule iso8583.MACRule, key []byte) {
		if rule.Padding != iso8583.Pad80 {
			return
		}
		for size := range 33 {
			short, err := rule.Compute(key, make([]byte, size))
			long, errLong := rule.Compute(key, make([]byte, size+1))
			if err != nil || errLong != nil || bytes.Equal(short, long) {
				t.Errorf("%s: %d and %d zeros have the same MAC; %v, %v", name, size, size+1, err, errLong)
			}
		}
	})
}

func TestKeysOfTheWrongLengthAreRefusedWithoutShowingThem(t *testing.T) {
	takes := map[string][]int{
		iso8583.UnionPayECB: {8, 16, 24}, iso8583.X99: {8, 16, 24}, iso8583.X919: {16}, iso8583.CMAC: {16, 24, 32},
		iso8583.CMACTDES: {16, 24}, iso8583.SM4CBC: {16}, iso8583.CMACSM4: {16}, iso8583.UnionPaySM4: {16}, "md5": nil,
	}
	for alg, lengths := range takes {
		for size := range 41 {
			_, err := iso8583.MACRule{Algorithm: alg}.Compute(bytes.Repeat([]byte{0xA7}, size), nil)
			if want := slices.Contains(lengths, size); want != (err == nil) {
				t.Errorf("%s with %d bytes: %v", alg, size, err)
			}
			if err != nil && strings.Contains(strings.ToUpper(err.Error()), "A7") {
				t.Errorf("%s shows its key: %v", alg, err)
			}
		}
	}
	if len(takes) != len(iso8583.MACAlgorithms())+1 {
		t.Error("an algorithm is not in this test")
	}
}

func TestCombinationsThatCannotBeAreRefusedByName(t *testing.T) {
	for says, rule := range map[string]iso8583.MACRule{
		"algorithm: \"md5\" is none of: unionpay-ecb, x9.9": {Algorithm: "md5"},
		"padding: \"pkcs7\" is none of: zero, 80":           {Algorithm: iso8583.X99, Padding: "pkcs7"},
		"padding: cmac pads by itself":                      {Algorithm: iso8583.CMAC, Padding: iso8583.Pad80},
		"padding: cmac-tdes pads by itself":                 {Algorithm: iso8583.CMACTDES, Padding: iso8583.Pad80},
		"output: \"base64\" is none of: text, binary":       {Algorithm: iso8583.X99, Output: "base64"},
		"range: \"frame\" is none of: mti, header, tpdu":    {Algorithm: iso8583.X99, Range: "frame"},
		"key_bytes: 8, but cmac takes keys of 16, 24 or 32": {Algorithm: iso8583.CMAC, KeyBytes: 8},
		"key_bytes: 24, but x9.19 takes keys of 16 bytes":   {Algorithm: iso8583.X919, KeyBytes: 24},
		"key_bytes: 32, but sm4-cbc takes keys of 16 bytes": {Algorithm: iso8583.SM4CBC, KeyBytes: 32},
		"key_bytes: 7, but unionpay-ecb takes keys of 8, 16": {
			Algorithm: iso8583.UnionPayECB, KeyBytes: 7,
		},
	} {
		if err := rule.Check(); err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("got %v, want %s", err, says)
		}
	}
	if n := (iso8583.MACRule{Algorithm: iso8583.CMAC}).StandardKey(); n != 16 {
		t.Errorf("cmac: a host makes keys of %d bytes", n)
	}
	if n := (iso8583.MACRule{Algorithm: iso8583.UnionPayECB, KeyBytes: 16}).StandardKey(); n != 16 {
		t.Errorf("unionpay-ecb with key_bytes 16: a host makes keys of %d bytes", n)
	}
}

func TestKeyBytesCutsALongerKey(t *testing.T) {
	rule := iso8583.MACRule{Algorithm: iso8583.UnionPayECB, KeyBytes: 8}
	got, err := rule.Compute(unhex(t, gbt32907), []byte("data"))
	want, wantErr := rule.Compute(unhex(t, gbt32907[:16]), []byte("data"))
	if err != nil || wantErr != nil || !bytes.Equal(got, want) {
		t.Errorf("got %X, %v, want %X, %v", got, err, want, wantErr)
	}
	rule.KeyBytes = 24
	if _, err := rule.Compute(unhex(t, gbt32907), nil); err == nil || !strings.Contains(err.Error(), "key_bytes asks for 24") {
		t.Errorf("a key too short: got %v", err)
	}
}
