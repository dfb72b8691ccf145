package bill

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// maxFiles bounds the files of a ZIP: a bill's has two.
const maxFiles = 32

// textOf gives a bill's text in UTF-8, whatever it was packed and written in.
func textOf(file []byte) (string, error) {
	if len(file) > MaxFile {
		return "", tooLarge()
	}
	var err error
	switch {
	case bytes.HasPrefix(file, []byte("PK\x03\x04")):
		file, err = unzip(file)
	case bytes.HasPrefix(file, []byte{0x1f, 0x8b}):
		file, err = gunzip(file)
	}
	if err != nil {
		return "", err
	}
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	if utf8.Valid(file) {
		return string(file), nil
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(file)
	if err != nil || len(text) > 4*MaxFile {
		return "", &Error{Why: "is neither UTF-8 nor GBK"}
	}
	return string(text), nil
}

func tooLarge() error {
	return &Error{Why: fmt.Sprintf("is larger than %d MiB: take the bill of a shorter time", MaxFile>>20)}
}

func gunzip(file []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, &Error{Why: "the GZIP is damaged: get it again"}
	}
	return limited(r)
}

// unzip gives the one file of the archive that holds rows. Alipay's other one is a summary.
func unzip(file []byte) ([]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil || len(z.File) > maxFiles {
		return nil, &Error{Why: "the ZIP is damaged: get it again"}
	}
	var bill *zip.File
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !strings.EqualFold(path.Ext(f.Name), ".csv") || summary(f) {
			continue
		}
		if bill != nil {
			return nil, &Error{Why: "the ZIP holds several bills: unpack it, and give one"}
		}
		bill = f
	}
	if bill == nil {
		return nil, &Error{Why: "the ZIP holds no bill"}
	}
	r, err := bill.Open()
	if err != nil {
		return nil, &Error{Why: "the ZIP is damaged: get it again"}
	}
	defer r.Close()
	return limited(r)
}

// summary tells Alipay's summary by its name, which is GBK without a mark.
func summary(f *zip.File) bool {
	name := f.Name
	if !utf8.ValidString(name) {
		if text, err := simplifiedchinese.GB18030.NewDecoder().String(name); err == nil {
			name = text
		}
	}
	return strings.Contains(name, "汇总")
}

func limited(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, &Error{Why: "what is packed is damaged: get it again"}
	}
	if len(text) > MaxFile {
		return nil, tooLarge()
	}
	return text, nil
}
