package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"posd/config"
	"posd/config/access"
	"posd/daemon/wallet"
)

// What posd install --help says of this system.
const (
	serviceUser = `The account it runs as: NT SERVICE\posd, NT AUTHORITY\LocalService or LocalSystem, which need no password (default: LocalSystem).`
	installHelp = `

It closes the folders of secrets, journal and log to all but the system, administrators and the service's account. The till's own
account is let in by: icacls sell.token /grant TILL:R`
)

// ownProgram is where a program belongs: only administrators change what stands there.
const ownProgram = `C:\Program Files\posd`

// secure refuses an account that Windows would ask a password for, and a program or a configuration that every account may
// change: whoever does has the rights of the service. It closes the folders of secrets, before they are checked.
func secure(exe, file, user string) error {
	if _, err := accountOf(user); err != nil {
		return err
	}
	for _, path := range []string{exe, filepath.Dir(exe)} {
		if open := access.Of(path, access.Write); open != nil {
			return fmt.Errorf("%s can be changed by every account of this machine (%s), and so could the service; put posd.exe into %s and install it from there",
				path, strings.Join(open, ", "), ownProgram)
		}
	}
	cfg, _ := config.Draft(file, wallet.Sections()...)
	if cfg == nil {
		return nil // the check says why
	}
	for _, dir := range cfg.SecretFolders() {
		if !exists(dir) {
			continue // likewise
		}
		if err := closeFolder(dir, user); err != nil {
			return err
		}
	}
	if open := access.Of(file, access.Write); open != nil {
		return fmt.Errorf("%s can be changed by every account of this machine (%s); put it into a folder of posd's own, beside its secrets",
			file, strings.Join(open, ", "))
	}
	return nil
}

// accountOf gives the SID of the account that the service runs as.
func accountOf(user string) (string, error) {
	sid, ok := access.Account(user, serviceName)
	if !ok {
		return "", fmt.Errorf(`--user %s: Windows wants a password for it, and posd keeps none; name NT SERVICE\%s, NT AUTHORITY\LocalService or LocalSystem`,
			user, serviceName)
	}
	return sid, nil
}

// makeFolder makes a folder for data, and closes it.
func makeFolder(dir, user string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return closeFolder(dir, user)
}

// closeFolder leaves a folder of posd's own to the system, administrators and the service's account. One that is others', too, is
// left as it is, and refused if every account may read it.
func closeFolder(dir, user string) error {
	sid, err := accountOf(user)
	if err != nil {
		return err
	}
	machines := []string{os.Getenv("ProgramData"), os.Getenv("ProgramFiles"), os.Getenv("ProgramFiles(x86)")}
	private := []string{os.Getenv("SystemRoot"), filepath.Dir(os.Getenv("PUBLIC"))}
	if !access.Shared(dir, machines, private) {
		return access.Protect(dir, sid)
	}
	if open := access.Of(dir, access.Read); open != nil {
		return fmt.Errorf("%s is not posd's own, and every account of this machine may read it (%s); name a folder of posd's own, such as %s",
			dir, strings.Join(open, ", "), filepath.Dir(defaultConfig()))
	}
	return nil
}
