package main

import "encoding/hex"

// sample is the message that everything here packs and reads: the 0200 of a chip sale with 20 fields, in the dialect
// unionpay 280 bytes from MTI to MAC. Values are digits, text, or the bytes that they are.
type sample struct {
	tpdu, header, mti []byte
	fields            [65][]byte
}

// chipData is 140 bytes of BER-TLV as a terminal sends them.
const chipData = "9F2608A1B2C3D4E5F60718" + "9F270180" + "9F101307010103A0A802010A01000000000000000000" +
	"9F370411223344" + "9F36020123" + "95050000008000" + "9A03260401" + "9C0100" + "9F0206000000012345" + "5F2A020156" +
	"82027C00" + "9F1A020156" + "9F0306000000000000" + "9F3303E0F8C8" + "9F3403020300" + "9F350122" +
	"9F1E083132333435363738" + "8408A000000333010101" + "9F410400000123"

// value is one field of the sample: text, or bytes where the field holds bytes.
type value struct {
	field int
	text  string
	raw   []byte
}

// sale lists the sample's fields. The card number is a scheme's test number.
var sale = []value{
	{field: 2, text: "4111111111111111"},
	{field: 3, text: "000000"},
	{field: 4, text: "000000012345"},
	{field: 7, text: "0401123015"},
	{field: 11, text: "000123"},
	{field: 12, text: "123015"},
	{field: 13, text: "0401"},
	{field: 14, text: "3012"},
	{field: 22, text: "051"},
	{field: 25, text: "00"},
	{field: 35, text: "4111111111111111D301220112345678901"},
	{field: 37, text: "104010000123"},
	{field: 41, text: "10000001"},
	{field: 42, text: "898000000000001"},
	{field: 49, text: "156"},
	{field: 52, raw: bytesOf("1122334455667788")},
	{field: 53, text: "2600000000000000"},
	{field: 55, raw: bytesOf(chipData)},
	{field: 60, text: "22000001000600000"},
	{field: 64, raw: bytesOf("3132333435363738")},
}

const (
	saleTPDU   = "6000030000"
	saleHeader = "602200000000"
	saleMTI    = "0200"
)

// saleSample gives the sample as the reference takes it.
func saleSample() *sample {
	s := &sample{tpdu: []byte(saleTPDU), header: []byte(saleHeader), mti: []byte(saleMTI)}
	for _, v := range sale {
		s.fields[v.field] = append([]byte(v.text), v.raw...)
	}
	return s
}

// bytesOf turns a constant's hex digits into bytes; the tests would show a typing error as a wrong length.
func bytesOf(digits string) []byte {
	b, _ := hex.DecodeString(digits)
	return b
}
