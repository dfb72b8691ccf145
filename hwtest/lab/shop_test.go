//go:build lab && usb

package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	shopURL   = "http://127.0.0.1:8320"
	tillToken = "the-token-of-the-till-of-the-lab"
)

// shop is the posd that ships, with a printer as its only device.
type shop struct {
	dir string
	cmd *exec.Cmd
	log bytes.Buffer
}

// configuration is that of a shop that prints for its till, and takes no money.
const configuration = `
[api]
sell_token_file = "sell.token"
supervisor_token_file = "supervisor.token"
[till]
id = "till-1"
language = "en"
[journal]
path = "journal.db"
ballast_mib = 0
seal_key_file = "seal.key"
[[device]]
name = "printer"
kind = "printer"
driver = "escpos"
port = %q
`

// openShop starts posd, and waits until it answers.
func openShop(ctx context.Context, printerPort string) (*shop, error) {
	dir, err := os.MkdirTemp("/", "shop")
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"posd.toml": fmt.Sprintf(configuration, printerPort), "sell.token": tillToken,
		"supervisor.token": "the-token-of-the-supervisor", "seal.key": strings.Repeat("0123456789abcdef", 4),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	s := &shop{dir: dir, cmd: exec.Command("/posd", "run", "-c", "posd.toml")}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		if _, err := s.ask(ctx, http.MethodGet, "/v1/devices", ""); err == nil {
			return s, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return nil, errors.Join(fmt.Errorf("posd does not answer: %w", ctx.Err()), s.close())
}

// close ends posd as a service manager would. The error is posd's end, with its last words, if that was not as it should be.
func (s *shop) close() error {
	_ = s.cmd.Process.Signal(unix.SIGTERM)
	kill := time.AfterFunc(20*time.Second, func() { _ = s.cmd.Process.Kill() })
	defer kill.Stop()
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("posd: %w: %s", err, s.words())
	}
	return os.RemoveAll(s.dir)
}

// words are posd's last ones. They are read when it has ended.
func (s *shop) words() string {
	b := s.log.Bytes()
	return string(b[max(0, len(b)-2000):])
}

// told is what posd answers.
type told struct{ Result string }

func (s *shop) ask(ctx context.Context, method, path, body string) (t told, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, shopURL+path, strings.NewReader(body))
	if err != nil {
		return t, err
	}
	req.Header.Set("Authorization", "Bearer "+tillToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return t, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return t, err
	}
	if res.StatusCode >= 300 {
		return t, fmt.Errorf("%s %s: %s: %.300s", method, path, res.Status, b)
	}
	return t, json.Unmarshal(b, &t)
}
