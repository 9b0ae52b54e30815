#!/usr/bin/perl
# 50-recorded.t: sends the requests that were recorded from the Python server, through nginx, and
# compares answer with answer. Each difference has to be listed here with its reason, and each
# listed one has to occur.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Process qw(slurp);
use Muster::Api;

# What is compared: the status, the body byte for byte, and these headers.
my @HEADERS = qw(access-control-allow-origin allow clusto-minify clusto-mode clusto-page clusto-pages
    clusto-per-page clusto-version content-type warnings);

# A difference is [ reason, what => [ theirs, ours ], ... ] for some recordings; undef is an absent
# header, a pattern is matched.
my $NUMBER = qr/^[1-9][0-9]*$/;
my $TEXT   = qr/\A=+\n\S.*\n=+\n/;
my $CORS   = [ undef, '*' ];

sub cors_everywhere {
    return map { +($_ => [ 'response_headers go on every answer, not only on those of the root', 'access-control-allow-origin' => $CORS ]) } @_;
}

sub writes {
    return map { +($_ => [ 'a write that changed something names its version', 'clusto-version' => [ undef, $NUMBER ] ]) } @_;
}

sub options_allow {
    my ($methods, @ids) = @_;
    return map { +($_ => [ 'OPTIONS on a known path says what is allowed', 'allow' => [ undef, $methods ] ]) } @ids;
}

sub numbers {
    my ($group, @numbers) = @_;
    return map { sprintf 'doc-%s/%03d', $group, $_ } @numbers;
}

my @listed = (
    cors_everywhere(numbers(server => 1 .. 5, 13)),
    cors_everywhere(numbers(attribute => 1, 6, 13, 16, 19, 22)),
    cors_everywhere(numbers(entity => 1, 2, 4, 5, 7, 8, 10, 11, 12, 15, 16, 19, 20)),
    cors_everywhere(numbers(resourcemanager => 1, 5, 6, 7, 12, 15, 16)),

    writes(numbers(attribute => 1, 6 .. 25)),
    writes(numbers(entity => 4, 7, 8, 10, 12, 15 .. 22)),
    writes(numbers(resourcemanager => 1, 5, 6, 7, 12 .. 19)),

    options_allow('GET, HEAD, OPTIONS', numbers(server => 2, 4)),
    options_allow('GET, HEAD, POST, PUT, DELETE, OPTIONS', numbers(server => 5)),

    'doc-server/006' => [ 'our own version', body => [ '"0.5.2"', qr/^"\d+\.\d+\.\d+(?:[~+]\d+\.g[0-9a-f]+)?"$/ ] ],
    'doc-server/009' => [
        'our own documentation, and HTML where the client takes it',
        body           => [ qr/^\n=+\nclustoapi/, qr/^<\?xml version="1\.0" encoding="utf-8" \?>/ ],
        'content-type' => [ 'text/plain', 'text/html; charset=UTF-8' ],
    ],
    'doc-server/010' => [ 'our own documentation', body => [ qr/^\n=+\nclustoapi/, $TEXT ] ],
    'doc-server/013' => [
        'the Python server fails on /typelist',
        status          => [ 500, 200 ],
        body            => [ qr/500 Internal Server Error/, qr/^\{\n    "appliance": "clusto\.drivers\.devices\.appliance\.basicappliance\.BasicAppliance",/ ],
        'content-type'  => [ 'text/html; charset=UTF-8', 'application/json' ],
        'clusto-minify' => [ undef, 'False' ],
    ],
    'doc-entity/011' => [ 'an absent Content-Type is absent', 'content-type' => [ 'None', undef ] ],
    'doc-resourcemanager/019' => [ 'an answer without a body is no JSON answer', 'clusto-minify' => [ 'False', undef ] ],
);

my %listed;
while (my ($id, $difference) = splice @listed, 0, 2) {
    my ($reason, %what) = @$difference;
    for my $what (keys %what) {
        die "$id: $what is listed twice\n" if $listed{$id}{$what};
        $listed{$id}{$what} = { reason => $reason, theirs => $what{$what}[0], ours => $what{$what}[1] };
    }
}

# --- the recordings ----------------------------------------------------------------------------------

my (@groups, %recordings);
for my $line (split /\n/, slurp("$FindBin::Bin/data/original-examples.jsonl")) {
    my $recording = JSON::PP->new->utf8->decode($line);
    push @groups, $recording->{group} unless $recordings{ $recording->{group} };
    push @{ $recordings{ $recording->{group} } }, $recording;
}
is scalar(map { @$_ } values %recordings), 102, 'there are 102 recordings';

sub pairs_of { return map { @$_ } @{ $_[0] // [] } }

# What of an answer is compared.
sub facts {
    my ($status, $body, $headers) = @_;
    my %fact = (status => $status, body => $body);
    $fact{$_} = $headers->{$_} for @HEADERS;
    return \%fact;
}

sub same { my ($x, $y) = @_; return defined $x ? defined $y && $x eq $y : !defined $y }

sub fits {
    my ($value, $wanted) = @_;
    return ref $wanted ? defined $value && $value =~ $wanted : same($value, $wanted);
}

sub shown { my ($value) = @_; return !defined $value ? '(none)' : length $value > 300 ? substr($value, 0, 300) . '...' : $value }

sub compare {
    my ($id, $theirs, $ours) = @_;
    my @wrong;
    for my $what (sort keys %$theirs) {
        my $listed = delete $listed{$id}{$what};
        my ($x, $y) = ($theirs->{$what}, $ours->{$what});
        if (!$listed) {
            push @wrong, "$what: theirs " . shown($x) . ', ours ' . shown($y) if !same($x, $y);
        }
        elsif (same($x, $y)) {
            push @wrong, "$what: listed as different ($listed->{reason}), but both are " . shown($x);
        }
        else {
            push @wrong, "$what: theirs is " . shown($x) . ', not as listed' if !fits($x, $listed->{theirs});
            push @wrong, "$what: ours is " . shown($y) . ', not as listed'   if !fits($y, $listed->{ours});
        }
    }
    ok !@wrong, $id or diag map { "$_\n" } @wrong;
    return;
}

my $world = Muster::Api->new(
    conf => {
        expanded_type    => JSON::PP::true,
        response_headers => ['Access-Control-Allow-Origin: *'],
        mounts           => { preferences => '' },
    },
);
for my $group (@groups) {
    $world->fresh;
    for my $recording (@{ $recordings{$group} }) {
        my $request = $recording->{request};
        my $answer  = $world->ask(
            $request->{method}, $request->{path},
            query   => [ pairs_of($request->{query}) ],
            form    => [ pairs_of($request->{form}) ],
            headers => $request->{headers},
            defined $request->{body} ? (body => $request->{body}) : (),
        );
        my %headers = map { lc $_ => $recording->{headers}{$_} } keys %{ $recording->{headers} };
        compare(
            $recording->{id},
            facts($recording->{status}, $recording->{body}, \%headers),
            facts($answer->{status},    $answer->{body},    $answer->{headers}),
        );
    }
}

my @unused = map { my $id = $_; map { "$id $_" } sort keys %{ $listed{$id} } } sort keys %listed;
is_deeply \@unused, [], 'every listed difference belongs to a recording';
done_testing;
