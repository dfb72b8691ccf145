<?php
// Prints the text that escpos-tools finds in a stream: php text.php FOLDER STREAM, where FOLDER has the sources of
// receipt-print-hq/escpos-tools and mike42/escpos-php, each in a folder of its own.
error_reporting(E_ALL & ~E_DEPRECATED);
spl_autoload_register(function ($name) use ($argv) {
    foreach (['ReceiptPrintHq\\EscposTools\\' => '/escpos-tools/src/', 'Mike42\\' => '/escpos-php/src/Mike42/'] as $prefix => $path) {
        $file = $argv[1] . $path . str_replace('\\', '/', substr($name, strlen($prefix))) . '.php';
        if (strncmp($name, $prefix, strlen($prefix)) === 0 && is_file($file)) {
            require_once $file;
            return;
        }
    }
});
$parser = new ReceiptPrintHq\EscposTools\Parser\Parser();
$parser->addFile(fopen($argv[2], 'rb'));
foreach ($parser->getCommands() as $command) {
    if ($command->isAvailableAs('TextContainer')) {
        echo $command->getText();
    }
    if ($command->isAvailableAs('LineBreak')) {
        echo "\n";
    }
}
