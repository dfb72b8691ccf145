package wallet_test

import (
	"testing"

	"posd/daemon/wallet"
)

func TestAMistakeInTheTableOfAWalletEndsTheProgramAtItsStart(t *testing.T) {
	for name, spoil := range map[string]func(*wallet.Brand){
		"twice":             func(*wallet.Brand) {},
		"the acquirer's":    func(b *wallet.Brand) { b.Name = wallet.UnionPay },
		"a key of [wallet]": func(b *wallet.Brand) { b.Name = "code_age" },
		"its routes":        func(b *wallet.Brand) { b.Name = "route" },
		"no example":        func(b *wallet.Brand) { b.Name, b.Example = "other", "" },
		"no settings":       func(b *wallet.Brand) { b.Name, b.Settings = "other", nil },
		"no answers":        func(b *wallet.Brand) { b.Name, b.Answers = "other", nil },
	} {
		t.Run(name, func(t *testing.T) {
			b, ok := wallet.Lookup("alipay")
			if !ok {
				t.Fatal("alipay is not registered")
			}
			spoil(&b)
			defer func() {
				if recover() == nil {
					t.Errorf("it was registered: %q", b.Name)
				}
			}()
			wallet.Register(b)
		})
	}
}
