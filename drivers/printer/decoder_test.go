package printer_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"posd/drivers/printer"
)

// decoded are documents that escpos-tools can read: it knows code page 437 and no two-byte characters.
var decoded = map[string]string{
	"receipt":     "^^^SHOP\nTea | 9.50\nCoffee, large | 12.00\n---\n^TOTAL | ^21.50\nThank you",
	"styles":      "_under_ \"bold\" `inverted` ^wide^ ^^high^^ plain|",
	"accents":     "Café crème | 3,20 \u00a3\nÄpfel und Öl | ½\n°C ±5 µm|",
	"table":       "{border:line;width:* 6 8}\nName | 2 | 7.00\nSomething longer than that | 10 | 70.00\n{border:space}\nend",
	"code and go": "before|\n{option:ean;code:6901234567892}\n|{option:qrcode 4 m;code:https://example.com/}|\nafter|\n=\nnext slip|",
}

// TestEscposToolsDecodesTheTextThatWasAsked lets a decoder that others wrote read our streams.
func TestEscposToolsDecodesTheTextThatWasAsked(t *testing.T) {
	php, err := exec.LookPath("php")
	folder := os.Getenv("ESCPOS_TOOLS")
	if err != nil || folder == "" {
		t.Skip("needs php (apt install php-cli php-intl php-mbstring), and in $ESCPOS_TOOLS the sources of " +
			"receipt-print-hq/escpos-tools and mike42/escpos-php, in escpos-tools and escpos-php")
	}
	for name, text := range decoded {
		for _, profile := range []string{"TM-T88V", "TM-T88IV", "TM-T20III", "default"} {
			t.Run(name+" on "+profile, func(t *testing.T) {
				p := show(t, printer.Receiptline(text), profile)
				file := filepath.Join(t.TempDir(), "stream")
				if err := os.WriteFile(file, p.Bytes, 0o600); err != nil {
					t.Fatal(err)
				}
				out, err := exec.CommandContext(t.Context(), php, "testdata/escpostools/text.php", folder, file).CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				got, want := printed(string(out)), printed(withoutCodes(slipText(p)))
				if got != want || got == "" {
					t.Errorf("escpos-tools reads\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// printed leaves out empty lines and spaces at the ends.
func printed(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// withoutCodes leaves out what stands for barcodes and QR codes.
func withoutCodes(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(strings.TrimSpace(line), "[") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
