<?php
// KDP_SERVICE by SoapClient of PHP (ext-soap): the operation of the WSDL, and the second wrapper without one.

const K = 'http://service.2fa-chain.kz/ns/kdp';

$given = $fields = [];
foreach (explode("\n", trim(stream_get_contents(STDIN))) as $line) {
    [$name, $value] = explode('=', $line, 2);
    if (str_starts_with($name, 'data.')) {
        $fields[substr($name, 5)] = $value;
    } else {
        $given[$name] = $value;
    }
}
if (isset($fields['omit-sms'])) {
    $fields['omit-sms'] = $fields['omit-sms'] === 'true';
}
try {
    $answer = $given['wrapper'] === 'kdp' ? by_element($given, $fields) : by_operation($given, $fields);
} catch (SoapFault $fault) {
    if (!isset($fault->detail)) {
        throw $fault;
    }
    tell('fault', ['faultstring' => $fault->getMessage()] + (array) $fault->detail->SendMessageFault1_SendMessageFault);
    exit(0);
}
tell('info', (array) $answer->responseInfo->status);
tell('data', (array) $answer->responseData->data);

function by_operation(array $given, array $fields): object
{
    $client = new SoapClient($given['wsdl'], [
        'location' => $given['address'],
        'cache_wsdl' => WSDL_CACHE_NONE,
        'exceptions' => true,
    ]);
    // data is anyType: its type is named, and the library takes its elements from the schema.
    $data = new SoapVar((object) $fields, SOAP_ENC_OBJECT, 'getUserDataRequest', K);
    return $client->SendMessage(['request' => request($given, $data)])->response;
}

// The WSDL has no operation for the second wrapper: the library works without a WSDL too.
function by_element(array $given, array $fields): object
{
    $client = new SoapClient(null, [
        'location' => $given['address'],
        'uri' => K,
        'style' => SOAP_DOCUMENT,
        'use' => SOAP_LITERAL,
    ]);
    return $client->__soapCall('sendMessageRequest', [
        element('sendMessageRequest', ['request' => request($given, $fields)]),
    ], ['soapaction' => '']);
}

function element(string $name, mixed $content): SoapVar
{
    if (!is_array($content)) {
        return new SoapVar($content, is_bool($content) ? XSD_BOOLEAN : XSD_STRING, '', '', $name, K);
    }
    return new SoapVar(array_map(element(...), array_keys($content), $content), SOAP_ENC_OBJECT, '', '', $name, K);
}

function request(array $given, mixed $data): array
{
    return [
        'requestInfo' => [
            'messageId' => $given['messageId'],
            'serviceId' => $given['serviceId'],
            'messageDate' => $given['messageDate'],
            'sender' => ['senderId' => $given['senderId'], 'password' => $given['password']],
        ],
        'requestData' => ['data' => $data],
    ];
}

function tell(string $part, array $values): void
{
    foreach ($values as $name => $value) {
        if ($value !== null) {
            echo "$part.$name=$value\n";
        }
    }
}
