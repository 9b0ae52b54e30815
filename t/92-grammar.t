# 92-grammar.t: random requests, valid and not, over all routes, by several clients through nginx: what
# must hold of every answer, whatever was asked. MUSTER_GRAMMAR_REQUESTS sends so many and tells how far it is
# ("make grammar" does), without it as many as fit into MUSTER_GRAMMAR_SECONDS; MUSTER_SEED repeats a run.
use v5.24;
use warnings;
use List::Util qw(max);
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Data;
use Muster::Grammar qw(first_requests random_request);
use Muster::Postgres;
use Muster::Process qw(build_dir poll run);
use Muster::Server;
use Test::More;
use Time::HiRes qw(time);

my $clients  = 4;
my $requests = $ENV{MUSTER_GRAMMAR_REQUESTS};
my $seconds  = $ENV{MUSTER_GRAMMAR_SECONDS} // ($ENV{MUSTER_FAST} ? 15 : 45);
my $seed     = $ENV{MUSTER_SEED} // time ^ $$ << 8;
diag("MUSTER_SEED=$seed");

my @routes;
for (split /\n/, run([ build_dir() . '/t/tables' ])->{out}) {
    my ($kind, $method, $mount, $pattern, $doc) = split /\t/, $_, -1;
    push @routes, { method => $method, mount => $mount, pattern => $pattern, doc => $doc } if $kind eq 'route';
}
cmp_ok(scalar @routes, '>', 40, 'there are routes');

my $postgres = Muster::Postgres->new;
my $muster   = Muster::Server->new(postgres => $postgres, conf => { workers => 3, log_level => 'warning', cache_size => 4, token_key => 'f' x 64 });
Muster::Data::load_example($postgres);
my $front   = Muster::Front->new(server => $muster, workers => 1);
my @workers = $muster->workers(3);

# --- what must hold

# RFC 8259. Possessive throughout, so that no answer can make it look twice.
my $json = qr{
    \A \s*+ (?<value>
        " (?: [^"\\\x00-\x1f]++ | \\ (?: ["\\/bfnrt] | u[0-9A-Fa-f]{4} ) )*+ "
      | -? (?: 0 | [1-9][0-9]*+ ) (?: \.[0-9]++ )?+ (?: [eE][-+]?+[0-9]++ )?+
      | true | false | null
      | \[ \s*+ (?: (?&value) \s*+ (?: , \s*+ (?&value) \s*+ )*+ )?+ \]
      | \{ \s*+ (?: (?&member) (?: , \s*+ (?&member) )*+ )?+ \}
    ) \s*+ \z
    (?(DEFINE) (?<member> " (?: [^"\\\x00-\x1f]++ | \\. )*+ " \s*+ : \s*+ (?&value) \s*+ ) )
}xs;

my %known = map { $_ => 1 } 200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 414, 415, 422;

# Some requests never get beyond nginx: a path that leads out of the root, a NUL in it, TRACE.
sub by_nginx {
    my ($answer) = @_;
    return $answer->{status} =~ /^(?:400|405|414)$/ && $answer->{body} =~ m{<center>nginx} && $answer->{headers}{'content-type'} eq 'text/html';
}

# Under load two writers may get into each other's way more often than it is tried again.
sub too_busy { return $_[0]{status} == 503 && $_[0]{body} =~ /^"(?:Too many writers|Another import is under way)/ }

sub is_text {
    my ($bytes) = @_;
    return utf8::decode(my $copy = $bytes);
}

# What is wrong with an answer, undef: nothing.
sub complaint {
    my ($request, $answer) = @_;
    my ($status, $body, $type) = ($answer->{status}, $answer->{body}, $answer->{headers}{'content-type'});
    return "no answer: $answer->{error}"    if defined $answer->{error};
    return 'it broke off'                   if !$answer->{complete};
    return                                  if too_busy($answer);
    return "status $status"                 if !$known{$status};
    return 'a header is no text'            if grep { !is_text($_->[1]) || $_->[1] =~ /[\x00-\x08\x0b-\x1f\x7f]/ } @{ $answer->{header_list} };
    if ($request->{method} eq 'HEAD' || $status == 204 || $status == 304) {
        return length $body ? 'a body where there is none' : undef;
    }
    if (!length $body) {
        return if $status == 404 && $request->{method} eq 'DELETE' || $status == 410;
        return if $status == 201 && $request->{method} eq 'PUT'; # a container was created
        return if $status == 200 && ($type // '') =~ m{^application/x-ndjson}; # no object
        return 'no body';
    }
    return 'no type'        if !defined $type;
    return 'no UTF-8'       if !is_text($body);
    return 'no HTML'        if $type =~ m{^text/html}  && ($status != 200 || $body !~ m{\A<\?xml version="1\.0" .*</html>\s*\z}s);
    return "type $type"     if $type !~ m{^(?:text/(?:html|plain)|application/(?:json|x-ndjson))};
    return 'plain error'    if $type =~ m{^text/plain} && $status != 200 && $status != 503;
    return                  if $type !~ m{^application/json};
    return 'no JSON'        if $body !~ $json;
    return 'error is no string' if $status >= 400 && $body !~ /^"/ && !($status == 404 && $request->{path} =~ m{^/by-names}) && !($request->{path} =~ m{^/transaction} && $body =~ /"failed": \d/) && !($request->{path} =~ m{^/import} && $body =~ /"errors": \[/);
    return;
}

sub brief {
    my ($text, $most) = @_;
    $text = substr($text, 0, $most) . '...' if length $text > $most;
    return $text =~ s/([^ -~])/sprintf '\x%02x', ord $1/ger;
}

sub describe {
    my ($i, $number, $request, $answer, $what) = @_;
    my @headers = @{ $request->{headers} };
    my $headers = join ' | ', map { "$headers[ 2 * $_ ]: $headers[ 2 * $_ + 1 ]" } 0 .. @headers / 2 - 1;
    return sprintf "seed %s, client %d, request %d: %s\n  %s %s\n  %s\n  %s, body %s\n  answer: %s %s %s",
        $seed, $i, $number, $what, $request->{method}, brief($request->{path}, 1500), brief($headers, 500), brief($request->{type} // 'no type', 80), brief($request->{body} // 'none', 1000),
        $answer->{status}, $answer->{headers}{'content-type'} // 'no type', brief($answer->{body}, 300);
}

sub send_request {
    my ($client, $request) = @_;
    return $client->request(
        $request->{method}, $request->{path},
        headers => $request->{headers},
        defined $request->{body} ? (body => $request->{body}) : (),
        defined $request->{type} ? (type => $request->{type}) : (),
    );
}

# How far a long run is; the first client speaks for all, as they are equally quick.
my $told = time;

sub tell_progress {
    my ($sent, $most) = @_;
    return if time - $told < 20;
    $told = time;
    print {*STDERR} sprintf "# %d of %d requests, %d s\n", $clients * $sent, $clients * $most, time - $^T;
    return;
}

# One client until `$most` requests are sent or the time is over.
sub client {
    my ($i, $most, $end) = @_;
    srand $seed * 100 + $i;
    my $client = $front->client(keep_alive => 1, decode => 0);
    my %sum    = (sent => 0, busy => 0, nginx => 0, slowest => 0, route => {}, bad => []);
    while ((defined $most ? $sum{sent} < $most : time < $end) && @{ $sum{bad} } < 5) {
        my $request = random_request(@routes);
        my $answer  = send_request($client, $request);
        $sum{sent}++;
        tell_progress($sum{sent}, $most) if defined $most && $i % $clients == 0;
        $sum{slowest} = max($sum{slowest}, $answer->{seconds} // 0);
        if (by_nginx($answer)) { $sum{nginx}++; next }
        my $what = complaint($request, $answer);
        push @{ $sum{bad} }, describe($i, $sum{sent}, $request, $answer, $what) if defined $what;
        $sum{busy}++ if too_busy($answer);
        $sum{route}{"$request->{route}{method} $request->{route}{doc}"}{ substr $answer->{status}, 0, 1 }++;
    }
    return \%sum;
}

my %total = (sent => 0, busy => 0, nginx => 0, slowest => 0, bad => [], route => {});
my $part  = 0;

sub run_clients {
    my ($most, $for) = @_;
    my $end   = time + $for;
    my $first = $clients * $part++;
    my @got   = parallel($clients, sub { client($first + $_[0], $most, $end) }, timeout => defined $most ? 36000 : $for + 60);
    for my $sum (@got) {
        die $sum->{died} if exists $sum->{died};
        $total{$_} += $sum->{$_} for qw(sent busy nginx);
        $total{slowest} = max($total{slowest}, $sum->{slowest});
        push @{ $total{bad} }, @{ $sum->{bad} };
        for my $route (keys %{ $sum->{route} }) {
            $total{route}{$route}{$_} += $sum->{route}{$route}{$_} for keys %{ $sum->{route}{$route} };
        }
    }
    return;
}

for my $first (first_requests()) {
    my ($method, $path, $form) = @$first;
    my $answer = $front->client->request($method, $path, form => $form);
    die("$method $path: $answer->{status} $answer->{body}") if $answer->{status} != 201;
}

# --- the run, in two parts: what the first one takes, the second one may not add to

run_clients(defined $requests ? $requests / 4 / $clients : undef, $seconds / 3);
my %memory = map { $_ => $muster->memory($_, 'RssAnon') } @workers;
run_clients(defined $requests ? $requests * 3 / 4 / $clients : undef, $seconds * 2 / 3) unless @{ $total{bad} };

note(sprintf '%d requests, %d of them refused by nginx, %d told to come again, the slowest took %.2f s', @total{qw(sent nginx busy slowest)});
ok(!@{ $total{bad} }, 'every answer is what it has to be') or diag(join "\n", splice @{ $total{bad} }, 0, 10);
cmp_ok($total{sent}, '>=', $requests // 1000, 'many were sent');
cmp_ok($total{nginx}, '<', $total{sent} / 20, 'few were for nginx alone');
cmp_ok($total{busy}, '<=', $total{sent} / 1000, 'few were told to come again');
is(join(' ', $muster->workers(3)), "@workers", 'the workers are the same');
unlike($muster->log, qr/error:|died|killed/, 'and found nothing wrong with themselves') or diag($muster->log =~ s/^(?!.*(?:error:|died|killed)).*\n//gmr);

# What a long run adds is less than a hundred bytes for each request, if anything.
my $growth = defined $requests && $requests >= 100_000 ? 2048 : 6000;
for my $worker (@workers) {
    my $now = $muster->memory($worker, 'RssAnon') // 0;
    cmp_ok($now, '<', ($memory{$worker} // 0) + $growth, "worker $worker: memory is flat ($memory{$worker} KiB, then $now KiB)")
        unless $ENV{MUSTER_SANITIZED};
}

# No icon is there, and POST /preferences/ only says that a container is missing.
sub likes_nothing {
    my ($route) = @_;
    return $route->{pattern} eq 'favicon.ico' || "$route->{method} $route->{mount} $route->{pattern}" eq 'POST preferences ';
}

# Each route was reached by what it serves, or the grammar is none of this interface.
if ($total{sent} >= 20_000) {
    my @never = grep { !grep { /^[23]$/ } keys %{ $total{route}{$_} // {} } }
        map { "$_->{method} $_->{doc}" } grep { !likes_nothing($_) } @routes;
    for my $route (sort keys %{ $total{route} }) {
        my $count = $total{route}{$route};
        note("$route: " . join ', ', map { "$count->{$_} of ${_}xx" } sort keys %$count);
    }
    is(join(', ', @never), '', 'each route was asked in a way that it likes');
}

# Is this / for us, once the front server has gone up where two dots say so?
sub is_top {
    my ($path) = @_;
    my @at;
    for my $word (split m{/}, $path =~ s/\?.*//sr =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger) {
        if ($word eq '..') { pop @at }
        elsif ($word !~ /^\.?\z/) { push @at, $word }
    }
    return !@at;
}

subtest 'HEAD tells what GET does' => sub {
    srand $seed;
    my $client = $front->client(keep_alive => 1, decode => 0);
    my (@bad, $n);
    my @get = grep { $_->{method} eq 'GET' && $_->{pattern} ne '__metrics__' } @routes;
    while ($n++ < 400) {
        my $request = random_request(@get);
        my ($get, $head) = map { send_request($client, { %$request, method => $_ }) } qw(GET HEAD);
        next if by_nginx($get);
        # Both have a Content-Length unless the answer is so long that it is sent piece by piece.
        my %differ = map { $_ => 1 } grep { ($get->{headers}{$_} // '') ne ($head->{headers}{$_} // '') && !/^(?:date|connection|transfer-encoding|x-request-id|keep-alive)$/ }
            keys %{ $get->{headers} }, keys %{ $head->{headers} };
        # The version, where the documentation of / is.
        next if is_top($request->{path});
        push @bad, describe(0, $n, $request, $get, "HEAD $head->{status}, other headers: " . join ' ', map { "$_: " . ($head->{headers}{$_} // '-') } sort keys %differ)
            if $get->{status} != $head->{status} || %differ;
    }
    ok(!@bad, 'header by header') or diag(join "\n", splice @bad, 0, 5);
};

$front->stop;
is($muster->stop, 0, 'the server ends well');
done_testing();
