// Reads {columns, encoding, documents} as JSON and writes what receiptline prints of each as plain text.
const receiptline = require('receiptline');
let input = '';
process.stdin.on('data', d => { input += d; });
process.stdin.on('end', () => {
  const { columns, encoding, documents } = JSON.parse(input);
  const printer = command => ({ cpl: columns, encoding, command });
  process.stdout.write(JSON.stringify(documents.map(d => ({
    text: receiptline.transform(d, printer('text')),
    bytes: receiptline.transform(d, printer('escpos')).length,
  }))));
});
