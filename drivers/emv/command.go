package emv

import "fmt"

// mostData is what a short command can carry.
const mostData = 255

// directory is the name of the payment system environment of contact cards (book 1, 12.2.2).
const directory = "1PAY.SYS.DDF01"

// selectName selects an application or the directory by its name (book 1, 11.3).
func selectName(name []byte) []byte {
	return append(append([]byte{0x00, 0xA4, 0x04, 0x00, byte(len(name))}, name...), 0x00)
}

// readRecord reads a record of a file (book 1, 11.2).
func readRecord(sfi, record byte) []byte {
	return []byte{0x00, 0xB2, record, sfi<<3 | 0x04, 0x00}
}

// processingOptions starts the application with what its PDOL asks for (book 3, 6.5.8).
func processingOptions(data []byte) []byte {
	b := []byte{0x80, 0xA8, 0x00, 0x00, byte(len(data) + 2), 0x83, byte(len(data))}
	return append(append(b, data...), 0x00)
}

// generateAC asks for a cryptogram for an online decision: an ARQC (book 3, 6.5.5).
func generateAC(data []byte) []byte {
	return append(append([]byte{0x80, 0xAE, 0x80, 0x00, byte(len(data))}, data...), 0x00)
}

// Status words.
const (
	statusOK       = 0x9000
	statusNoRecord = 0x6A83
)

// split separates an answer's data from its status.
func split(answer []byte) (data []byte, status int, err error) {
	n := len(answer) - 2
	if n < 0 {
		return nil, 0, fmt.Errorf("%w: an answer of %d bytes", ErrCard, len(answer))
	}
	return answer[:n], int(answer[n])<<8 | int(answer[n+1]), nil
}
