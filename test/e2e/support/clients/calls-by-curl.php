<?php
// Calls an origin by the curl functions, and prints what it answered: php calls-by-curl.php URL
foreach ([['/next', null], ['/next', null], ['/echo', 'hello']] as [$path, $body]) {
    $call = curl_init($argv[1] . $path);
    curl_setopt($call, CURLOPT_RETURNTRANSFER, true);
    if ($body !== null) {
        curl_setopt($call, CURLOPT_POSTFIELDS, $body);
    }
    $text = curl_exec($call);
    if ($text === false) {
        fwrite(STDERR, curl_error($call) . "\n");
        exit(1);
    }
    echo curl_getinfo($call, CURLINFO_RESPONSE_CODE), ' ', $text, "\n";
}
