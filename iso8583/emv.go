package iso8583

// tlvForm is how the value of a data object reads.
type tlvForm uint8

const (
	asBytes  tlvForm = iota // hex text
	asDigits                // BCD
	asText                  // characters
	asTrack                 // nibbles, D between them, an odd count filled with F
)

// emvTag is what is known of a data object.
type emvTag struct {
	name, zh string
	form     tlvForm
	class    Class
	holds    string
	private  bool
}

// emvTags are the data objects of EMV 4.3 book 3, annex A, of the contactless kernels, and those that UnionPay
// terminals send in field 55. Tags that are not here are secret. Secret, whatever their form, is what holds a card
// number, a track, a PIN or the holder's name, and certificates from which the card number can be recovered.
var emvTags = map[string]emvTag{
	"42":   public("issuer identification number", "发卡机构标识号", asDigits),
	"4F":   public("application identifier, card", "应用标识符(AID)", asBytes),
	"50":   public("application label", "应用标签", asText),
	"56":   secret("track 1", "一磁道数据", asBytes, holdsTrack),
	"57":   secret("track 2 equivalent", "二磁道等价数据", asTrack, holdsTrack),
	"5A":   {name: "card number", zh: "应用主账号", form: asTrack, class: Masked, holds: holdsPAN},
	"5F20": secret("cardholder name", "持卡人姓名", asBytes, ""),
	"5F24": private("expiry", "应用失效日期", asDigits),
	"5F25": public("effective date", "应用生效日期", asDigits),
	"5F28": public("issuer country", "发卡机构国家代码", asDigits),
	"5F2A": public("transaction currency", "交易货币代码", asDigits),
	"5F2D": public("language preference", "首选语言", asText),
	"5F30": public("service code", "服务码", asDigits),
	"5F34": public("card sequence", "应用主账号序列号", asDigits),
	"5F36": public("currency exponent", "交易货币指数", asDigits),
	"5F50": public("issuer URL", "发卡机构URL", asText),
	"5F53": secret("IBAN", "国际银行账号", asBytes, ""),
	"5F54": public("bank identifier code", "银行识别码", asText),
	"5F55": public("issuer country, 2 letters", "发卡机构国家代码(2字符)", asText),
	"5F56": public("issuer country, 3 letters", "发卡机构国家代码(3字符)", asText),
	"5F57": public("account type", "账户类型", asDigits),
	"61":   public("application template", "应用模板", asBytes),
	"6F":   public("file control information", "文件控制信息模板", asBytes),
	"70":   public("read record template", "读记录响应模板", asBytes),
	"71":   public("issuer script 1", "发卡行脚本模板1", asBytes),
	"72":   public("issuer script 2", "发卡行脚本模板2", asBytes),
	"73":   public("directory discretionary template", "目录自定义模板", asBytes),
	"77":   public("response template 2", "响应报文模板格式2", asBytes),
	"80":   secret("response template 1", "响应报文模板格式1", asBytes, ""),
	"81":   public("amount, authorised, binary", "授权金额(二进制)", asBytes),
	"82":   public("application interchange profile", "应用交互特征(AIP)", asBytes),
	"83":   secret("command template", "命令模板", asBytes, ""),
	"84":   public("dedicated file name", "专用文件名称", asBytes),
	"86":   private("issuer script command", "发卡行脚本命令", asBytes),
	"87":   public("application priority", "应用优先指示器", asBytes),
	"88":   public("short file identifier", "短文件标识符", asBytes),
	"89":   public("authorisation code", "授权码", asText),
	"8A":   public("authorisation response code", "授权响应码", asText),
	"8C":   public("CDOL1", "卡片风险管理数据对象列表1", asBytes),
	"8D":   public("CDOL2", "卡片风险管理数据对象列表2", asBytes),
	"8E":   public("CVM list", "持卡人验证方法列表", asBytes),
	"8F":   public("CA public key index, card", "CA公钥索引(卡片)", asBytes),
	"90":   public("issuer public key certificate", "发卡行公钥证书", asBytes),
	"91":   public("issuer authentication data", "发卡行认证数据", asBytes),
	"92":   public("issuer public key remainder", "发卡行公钥余数", asBytes),
	"93":   public("signed static data", "签名的静态应用数据", asBytes),
	"94":   public("application file locator", "应用文件定位器(AFL)", asBytes),
	"95":   public("terminal verification results", "终端验证结果(TVR)", asBytes),
	"97":   public("TDOL", "交易证书数据对象列表", asBytes),
	"98":   public("TC hash", "交易证书哈希值", asBytes),
	"99":   secret("PIN data", "交易个人标识码数据", asBytes, holdsPIN),
	"9A":   public("transaction date", "交易日期", asDigits),
	"9B":   public("transaction status information", "交易状态信息(TSI)", asBytes),
	"9C":   public("transaction type", "交易类型", asDigits),
	"9D":   public("directory definition file", "目录定义文件名", asBytes),
	"9F01": public("acquirer identifier", "收单行标识", asDigits),
	"9F02": public("amount, authorised", "授权金额", asDigits),
	"9F03": public("amount, other", "其它金额", asDigits),
	"9F04": public("amount, other, binary", "其它金额(二进制)", asBytes),
	"9F05": secret("application discretionary data", "应用自定义数据", asBytes, ""),
	"9F06": public("application identifier, terminal", "应用标识符(终端)", asBytes),
	"9F07": public("application usage control", "应用用途控制(AUC)", asBytes),
	"9F08": public("application version, card", "应用版本号(卡片)", asBytes),
	"9F09": public("application version, terminal", "应用版本号(终端)", asBytes),
	"9F0B": secret("cardholder name, extended", "持卡人姓名扩展", asBytes, ""),
	"9F0D": public("issuer action code, default", "发卡行行为代码(缺省)", asBytes),
	"9F0E": public("issuer action code, denial", "发卡行行为代码(拒绝)", asBytes),
	"9F0F": public("issuer action code, online", "发卡行行为代码(联机)", asBytes),
	"9F10": public("issuer application data", "发卡行应用数据(IAD)", asBytes),
	"9F11": public("issuer code table", "发卡行代码表索引", asDigits),
	"9F12": public("application preferred name", "应用首选名称", asBytes),
	"9F13": public("last online ATC", "上次联机应用交易计数器", asBytes),
	"9F14": public("lower offline limit", "连续脱机交易下限", asBytes),
	"9F15": public("merchant category", "商户分类码", asDigits),
	"9F16": public("merchant identifier", "商户标识", asText),
	"9F17": public("PIN tries left", "PIN尝试计数器", asBytes),
	"9F18": public("issuer script identifier", "发卡行脚本标识符", asBytes),
	"9F19": public("token requestor", "标记请求者标识", asDigits),
	"9F1A": public("terminal country", "终端国家代码", asDigits),
	"9F1B": public("floor limit", "终端最低限额", asBytes),
	"9F1C": public("terminal identification", "终端标识", asText),
	"9F1D": public("terminal risk management data", "终端风险管理数据", asBytes),
	"9F1E": public("interface device serial", "接口设备序列号", asText),
	"9F1F": secret("track 1 discretionary data", "一磁道自定义数据", asBytes, holdsTrack),
	"9F20": secret("track 2 discretionary data", "二磁道自定义数据", asBytes, holdsTrack),
	"9F21": public("transaction time", "交易时间", asDigits),
	"9F22": public("CA public key index, terminal", "CA公钥索引(终端)", asBytes),
	"9F23": public("upper offline limit", "连续脱机交易上限", asBytes),
	"9F24": private("payment account reference", "支付账户参考号", asText),
	"9F25": public("last 4 digits of the card number", "主账号后四位", asDigits),
	"9F26": public("application cryptogram", "应用密文(AC)", asBytes),
	"9F27": public("cryptogram information", "密文信息数据(CID)", asBytes),
	"9F2D": secret("PIN encipherment key certificate", "IC卡PIN加密公钥证书", asBytes, ""),
	"9F2E": public("PIN encipherment key exponent", "IC卡PIN加密公钥指数", asBytes),
	"9F2F": secret("PIN encipherment key remainder", "IC卡PIN加密公钥余数", asBytes, ""),
	"9F32": public("issuer public key exponent", "发卡行公钥指数", asBytes),
	"9F33": public("terminal capabilities", "终端性能", asBytes),
	"9F34": public("CVM results", "持卡人验证方法结果", asBytes),
	"9F35": public("terminal type", "终端类型", asDigits),
	"9F36": public("application transaction counter", "应用交易计数器(ATC)", asBytes),
	"9F37": public("unpredictable number", "不可预知数", asBytes),
	"9F38": public("PDOL", "处理选项数据对象列表", asBytes),
	"9F39": public("entry mode", "POS输入方式", asDigits),
	"9F3A": public("amount, reference currency", "参考货币金额", asBytes),
	"9F3B": public("reference currency, card", "应用参考货币", asBytes),
	"9F3C": public("reference currency", "交易参考货币代码", asDigits),
	"9F3D": public("reference currency exponent", "交易参考货币指数", asDigits),
	"9F40": public("additional terminal capabilities", "附加终端性能", asBytes),
	"9F41": public("transaction sequence counter", "交易序列计数器", asDigits),
	"9F42": public("application currency", "应用货币代码", asDigits),
	"9F43": public("reference currency exponent, card", "应用参考货币指数", asBytes),
	"9F44": public("application currency exponent", "应用货币指数", asDigits),
	"9F45": public("data authentication code", "数据认证码", asBytes),
	"9F46": secret("card public key certificate", "IC卡公钥证书", asBytes, ""),
	"9F47": public("card public key exponent", "IC卡公钥指数", asBytes),
	"9F48": secret("card public key remainder", "IC卡公钥余数", asBytes, ""),
	"9F49": public("DDOL", "动态数据认证数据对象列表", asBytes),
	"9F4A": public("SDA tag list", "静态数据认证标签列表", asBytes),
	"9F4B": public("signed dynamic data", "签名的动态应用数据", asBytes),
	"9F4C": public("ICC dynamic number", "IC卡动态数", asBytes),
	"9F4D": public("log entry", "交易日志入口", asBytes),
	"9F4E": public("merchant name and location", "商户名称和位置", asBytes),
	"9F4F": public("log format", "交易日志格式", asBytes),
	"9F53": public("transaction category", "交易类别码", asBytes),
	"9F5B": public("issuer script results", "发卡行脚本结果", asBytes),
	"9F5D": private("offline amount left", "可用脱机消费金额", asBytes),
	"9F61": secret("holder's identity number", "持卡人证件号", asBytes, ""),
	"9F62": secret("holder's identity type", "持卡人证件类型", asBytes, ""),
	"9F63": public("card product", "卡产品标识信息", asBytes),
	"9F66": public("terminal transaction qualifiers", "终端交易属性(TTQ)", asBytes),
	"9F69": public("card authentication data", "卡片认证相关数据", asBytes),
	"9F6B": secret("track 2 of the contactless card", "非接触二磁道数据", asBytes, holdsTrack),
	"9F6C": public("card transaction qualifiers", "卡片交易属性(CTQ)", asBytes),
	"9F6E": public("form factor", "设备形态标识", asBytes),
	"9F74": public("electronic cash authorisation code", "电子现金发卡行授权码", asText),
	"9F77": private("electronic cash limit", "电子现金余额上限", asDigits),
	"9F78": private("electronic cash limit of one payment", "电子现金单笔交易限额", asDigits),
	"9F79": private("electronic cash balance", "电子现金余额", asDigits),
	"9F7A": public("electronic cash supported", "电子现金终端支持指示器", asDigits),
	"9F7C": secret("customer exclusive data", "客户专用数据", asBytes, ""),
	"A5":   public("FCI proprietary template", "FCI专用模板", asBytes),
	"BF0C": public("FCI issuer discretionary data", "FCI发卡行自定义数据", asBytes),
	"DF31": public("issuer script results", "发卡行脚本结果", asBytes),
}

func public(name, zh string, form tlvForm) emvTag {
	return emvTag{name: name, zh: zh, form: form, class: Public}
}

func private(name, zh string, form tlvForm) emvTag {
	return emvTag{name: name, zh: zh, form: form, private: true}
}

func secret(name, zh string, form tlvForm, holds string) emvTag {
	return emvTag{name: name, zh: zh, form: form, holds: holds}
}
