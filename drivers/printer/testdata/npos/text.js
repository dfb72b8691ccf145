// Reads [{pages, wide, stream}] as JSON and writes the text of each stream as npos finds it, read by iconv-lite: pages are the
// printer's code pages by number, wide is how its two-byte characters are written, stream is base64.
const npos = require('npos');
const iconv = require('iconv-lite');

// npos knows neither of these; both say how long they are.
const rules = { ...npos.rules };
rules[npos.symbols.GS] = { ...rules[npos.symbols.GS], '(k': [0, 'd16'] };
rules[npos.symbols.FS] = { ...rules[npos.symbols.FS], '(C': [0, 'd16'] };
const parser = npos.parser(rules);

function text({ pages, wide, stream }) {
  const { raw, tree, error } = parser.analyze(Buffer.from(stream, 'base64'));
  if (error) throw error;
  let out = '', page = 0, double = false, utf8 = false;
  for (const node of tree) {
    const first = raw[node.offset + 2];
    switch (node.ascii + node.fn) {
      case 'STX': {
        const coding = utf8 ? 'utf8' : double ? wide : (pages || {})[page] || 'ascii';
        out += iconv.decode(raw.slice(node.offset, node.offset + node.length), coding);
        break;
      }
      case 'ESCt': page = first; break;
      case 'FS&': double = true; break;
      case 'FS.': double = false; break;
      case 'FS(C': utf8 = true; break;
      case 'ESC@': page = 0; utf8 = false; break;
    }
  }
  return out;
}

let input = '';
process.stdin.on('data', d => { input += d; });
process.stdin.on('end', () => process.stdout.write(JSON.stringify(JSON.parse(input).map(text))));
