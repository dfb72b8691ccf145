// Package brands is the list of the wallets that posd takes: a line for each. How to write one: PROVIDERS.md.
package brands

import (
	_ "posd/daemon/wallet/alipay" // 支付宝
	_ "posd/daemon/wallet/wechat" // 微信支付
)
