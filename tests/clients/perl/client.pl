#!/usr/bin/perl
# KDP_SERVICE by SOAP::Lite: the operation of the WSDL, and the second wrapper.
use strict;
use warnings;
use open qw(:std :encoding(UTF-8));

use SOAP::Lite;

use constant {
    T => 'http://bip.bee.kz/SyncChannel/v10/Types',
    K => 'http://service.2fa-chain.kz/ns/kdp',
};

my (%given, @fields);
while (my $line = <STDIN>) {
    chomp $line;
    my ($name, $value) = split /=/, $line, 2;
    if   ($name =~ s/^data\.//) { push @fields, [$name, $value] }
    else                        { $given{$name} = $value }
}

my $schema = SOAP::Schema->schema_url($given{wsdl});
$schema->parse;
my $operation = $schema->services->{ISyncChannelHttpService}{SendMessage} or die 'the WSDL has no SendMessage';

my $client = SOAP::Lite->new(proxy => $given{address}, on_action => sub { $operation->{soapaction}->value });
$client->autotype(0);
# A fault is an answer, not a death.
$client->on_fault(sub { $_[1] });
# The library reads the operations of a WSDL, but not the elements of a document: names are told by hand.
my $second = $given{wrapper} eq 'kdp';
my ($wrapper, $namespace, $prefix) = $second ? ('k:sendMessageRequest', K, 'k:') : ('t:SendMessage', T, '');
my $call = SOAP::Data->name($wrapper)->attr({ 'xmlns:' . substr($wrapper, 0, 1) => $namespace, 'xmlns:k' => K });
my $answer = $client->call($call => element('request',
    element('requestInfo',
        (map { element($_, $given{$_}) } qw(messageId serviceId messageDate)),
        element('sender', map { element($_, $given{$_}) } qw(senderId password))),
    element('requestData', element('data', map { SOAP::Data->name("k:$_->[0]" => escaped($_->[1])) } @fields))));

if (ref $answer && $answer->fault) {
    my $told = $answer->faultdetail->{SendMessageFault1_SendMessageFault};
    say_all('fault', { faultstring => $answer->faultstring, %$told });
}
elsif (ref $answer) {
    my $response = $answer->result;
    say_all('info', $response->{responseInfo}{status});
    say_all('data', $response->{responseData}{data});
}
else {
    die "no answer: $answer";
}

sub element {
    my ($name, @content) = @_;
    my $value = ref $content[0] ? \SOAP::Data->value(@content) : escaped($content[0]);
    return SOAP::Data->name("$prefix$name" => $value);
}

# The library escapes what it gives a type; the contract wants elements without one.
sub escaped {
    return SOAP::Utils::encode_data($_[0]);
}

sub say_all {
    my ($part, $values) = @_;
    print "$part.$_=$values->{$_}\n" for grep { defined $values->{$_} } sort keys %$values;
    return;
}
