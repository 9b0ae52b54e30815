#!/usr/bin/perl
# 62-preferences-generators.t: random documents come back equal, random writes do what a model does, and
# whatever one user sends never reaches another's data. MUSTER_SEED repeats a run, MUSTER_GENERATOR_RUNS (1)
# makes it longer.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Client qw(uri_encode);
use Muster::Json qw(canonical clone decode depth encode json_patch merge_patch pick random_key random_value);
use Muster::World;

my $seed = $ENV{MUSTER_SEED} // time ^ $$ << 8;
my $runs = $ENV{MUSTER_GENERATOR_RUNS} // 1;
srand $seed;
diag("MUSTER_SEED=$seed");

my $postgres = Muster::Postgres->new;
my $world    = Muster::World->new(data => 0, postgres => $postgres, conf => { connect_timeout => 60000 });
my %nginx    = (client => $world->front->client(keep_alive => 1));

sub ask {
    my ($method, $path, %option) = @_;
    my $answer = $nginx{client}->request(
        $method, "/preferences$path",
        %option,
        headers => [ 'X-User-Id' => $option{user} // 'generator', 'Clusto-Minify' => 'true', @{ $option{headers} // [] } ],
    );
    die "seed $seed: $method $path: $answer->{error}\n" if $answer->{error};
    return $answer;
}

sub trouble {
    my ($what, $answer, @more) = @_;
    diag(substr "seed $seed: $what: $answer->{status} $answer->{body} @more", 0, 3000);
    return;
}

subtest 'documents come back equal' => sub {
    my ($good, $n) = (0, 150 * $runs);
    for my $i (1 .. $n) {
        my $document = [ o => { map { random_key() => random_value(int rand 7) } 1 .. int rand 8 } ];
        # Now and then as deep as is allowed.
        if ($i % 25 == 0) {
            my $deep = [ a => [] ];
            $deep = pick([ a => [ $deep, [ n => 1 ] ] ], [ o => { random_key() => $deep } ]) while depth($deep) < 63;
            $document->[1]{deep} = $deep;
        }
        my $sent = encode($document, random => 1);
        my $put  = pick(
            sub { ask(PUT => '/doc', body => $sent) },
            sub { ask(DELETE => '/doc'); ask(POST => '/doc', body => $sent) },
            sub { ask(DELETE => '/'); ask(POST => '/doc', body => $sent) },
        )->();
        my $get = ask(GET => '/doc');
        my $ok  = $put->{status} =~ /^20[14]$/ && $get->{status} == 200 && canonical(decode($get->{body})) eq canonical(decode($sent))
            && canonical(decode($sent)) eq canonical($document);
        $good++ if $ok;
        trouble("document $i: $sent", $put->{status} =~ /^20[14]$/ ? $get : $put) unless $ok;
        last if $n - $good > 5 + $n - $i;
        # Whatever is in it is found by its pointer, printed as in the whole.
        my ($place, $value) = some_place($document, 1);
        my $part = ask(GET => '/doc?pointer=' . uri_encode(pointer(@$place)));
        next if $part->{status} == 200 && canonical(decode($part->{body})) eq canonical($value);
        trouble('pointer ' . pointer(@$place) . ' in ' . $sent, $part);
        $good--;
    }
    is($good, $n, 'all of them');
};

# --- places

sub pointer {
    return join '', map { my $step = $_; $step =~ s/~/~0/g; $step =~ s{/}{~1}g; "/$step" } @_;
}

# Steps to something in the value and what is there; sure => 1 always to something that is there.
sub some_place {
    my ($value, $sure) = @_;
    my @steps;
    while (@steps < 6) {
        my ($kind, $content) = defined $value ? @$value : ('', undef);
        last if rand() < 0.3 && (@steps || $sure);
        if (!$sure && rand() < 0.25) {
            push @steps, random_key();
            $value = $kind eq 'o' ? $content->{ $steps[-1] } : undef;
        }
        elsif ($kind eq 'o' && %$content) {
            push @steps, pick(sort keys %$content);
            $value = $content->{ $steps[-1] };
        }
        elsif ($kind eq 'a' && @$content) {
            push @steps, int rand @$content;
            $value = $content->[ $steps[-1] ];
        }
        else {
            last if $sure || @steps;
            push @steps, random_key();
            $value = undef;
        }
    }
    return (\@steps, $value);
}

# --- the model of paths: a document (undef: none), whether lists have positions, the steps

sub get_at {
    my ($value, $positions, @steps) = @_;
    for my $step (@steps) {
        return undef if !defined $value;
        my ($kind, $content) = @$value;
        $value = $kind eq 'o' ? $content->{$step} : $kind eq 'a' && $positions && $step =~ /^(?:0|[1-9][0-9]{0,8})\z/ ? $content->[$step] : undef;
    }
    return $value;
}

# The new document; undef: something is in the way.
sub set_at {
    my ($document, $positions, $new, @steps) = @_;
    my $root = defined $document ? clone($document) : [ o => {} ];
    my $at   = $root;
    while (@steps) {
        my $step = shift @steps;
        my ($kind, $content) = @$at;
        my $slot;
        if ($kind eq 'o') { $slot = \$content->{$step} }
        elsif ($kind eq 'a' && $positions) {
            $step = @$content if $step eq '-';
            return undef if $step !~ /^(?:0|[1-9][0-9]{0,8})\z/ || $step > @$content;
            $slot = \$content->[$step];
        }
        else { return undef }
        $$slot = clone($new) if !@steps;
        $$slot //= [ o => {} ];
        $at = $$slot;
    }
    return $root;
}

sub remove_at {
    my ($document, $positions, @steps) = @_;
    return $document if !defined get_at($document, $positions, @steps);
    my $root   = clone($document);
    my $last   = pop @steps;
    my $parent = get_at($root, $positions, @steps);
    if ($parent->[0] eq 'a') { splice @{ $parent->[1] }, $last, 1 }
    else                     { delete $parent->[1]{$last} }
    return $root;
}

# A way to write this place: (path after the container, positions); undef: it can't be written so.
sub written {
    my (@steps) = @_;
    return ('?pointer=' . uri_encode(pointer(@steps)), 1) if rand() < 0.4 || grep { /^\.{0,2}\z/ } @steps;
    return (join('', map { '/' . uri_encode($_) } @steps), 0);
}

# --- the model of writes: each gives a request, what its status must be and the document after it

sub write_set {
    my ($document) = @_;
    my ($steps) = some_place($document);
    my ($path, $positions) = written(@$steps);
    my $empty = rand() < 0.1;
    my $value = $empty ? [ o => {} ] : random_value(3);
    my $after = set_at($document, $positions, $value, @$steps);
    return ([ POST => "/c$path", $empty ? () : (body => encode($value, random => 1)) ], defined $after ? 204 : 409, $after // $document);
}

sub write_remove {
    my ($document) = @_;
    my ($steps) = some_place($document);
    my ($path, $positions) = written(@$steps);
    return ([ DELETE => "/c$path" ], 204, defined $document ? remove_at($document, $positions, @$steps) : undef);
}

sub members { return [ o => { map { random_key() => random_value(3) } 1 .. int rand 5 } ] }

sub write_merge {
    my ($document) = @_;
    my $members = members();
    my $after   = defined $document ? clone($document) : [ o => {} ];
    $after->[1]{$_} = $members->[1]{$_} for keys %{ $members->[1] };
    return ([ POST => '/c', body => encode($members, random => 1) ], 204, $after);
}

sub write_put {
    my ($document) = @_;
    my $value = members();
    return ([ PUT => '/c', body => encode($value, random => 1) ], defined $document ? 204 : 201, $value);
}

sub write_merge_patch {
    my ($document) = @_;
    my $patch = members();
    # Reach into what is there, and take some of it out.
    if (defined $document) {
        my ($steps) = some_place($document);
        my $inner = pick([ l => 'null' ], random_value(2));
        $inner = [ o => { $_ => $inner } ] for reverse @$steps;
        $patch->[1]{$_} = $inner->[1]{$_} for keys %{ $inner->[1] };
    }
    return ([ PATCH => '/c', type => 'application/merge-patch+json', body => encode($patch, random => 1) ], 204, merge_patch($document, $patch));
}

sub write_json_patch {
    my ($document) = @_;
    my (@operations, @texts);
    for (1 .. 1 + int rand 4) {
        my $op = pick(qw(add add remove replace move copy test));
        my ($path, $value) = some_place($document, $op ne 'add' && rand() < 0.9);
        push @$path, '-' if $op eq 'add' && defined $value && $value->[0] eq 'a' && rand() < 0.5;
        my %operation = (op => $op, path => $path);
        $operation{value} = $op eq 'test' && defined $value && rand() < 0.9 ? $value : random_value(2) if $op =~ /^(?:add|replace|test)$/;
        if ($op =~ /^(?:move|copy)$/) {
            my ($from) = some_place($document, rand() < 0.9);
            # Into itself is refused as a patch, whatever the document: not what this is about.
            next if $op eq 'move' && @$path >= @$from && !grep { $path->[$_] ne $from->[$_] } 0 .. $#$from;
            $operation{from} = $from;
        }
        # The root stays an object, and is not copied into itself again and again.
        next if !@$path || $operation{from} && !@{ $operation{from} };
        push @operations, \%operation;
        push @texts, encode([ o => {
            op   => [ s => $op ],
            path => [ s => pointer(@$path) ],
            exists $operation{value} ? (value => $operation{value}) : (),
            exists $operation{from}  ? (from  => [ s => pointer(@{ $operation{from} }) ]) : (),
        } ], random => 1);
    }
    my $after = defined $document ? json_patch($document, @operations) : undef;
    return ([ PATCH => '/c', type => 'application/json-patch+json', body => '[' . join(',', @texts) . ']' ],
        !defined $document ? 404 : defined $after ? 204 : 409, $after // $document);
}

sub write_nonsense {
    my ($document) = @_;
    my $bad = pick('{', '[', '"', '{"a":}', '01', '1e999', '"\ud800"', '"\u0000"', "\"\xff\"", 'nul', '[' x 70 . ']' x 70, '1' x 500, '{"' . 'k' x 1100 . '":1}', '{}{}');
    my $path = pick('/c', '/c/a', '/c/0/1');
    return ([ pick('POST', $path eq '/c' ? 'PUT' : 'POST') => $path, body => $bad ], 400, $document);
}

subtest 'writes do what the model does' => sub {
    my @writes = (
        (\&write_set) x 6, (\&write_remove) x 4, (\&write_merge) x 2, \&write_put, (\&write_merge_patch) x 3, (\&write_json_patch) x 4, \&write_nonsense,
        sub { return ([ DELETE => '/c' ], 204, undef) },
        sub { return ([ POST => '/c' ], 204, $_[0] // [ o => {} ]) },
    );
    my ($document, $tag, $good) = (undef, '', 0);
    my $n = 700 * $runs;
    my %statuses;
    ask(DELETE => '/');
    for my $i (1 .. $n) {
        $document = undef, ask(DELETE => '/c') if defined $document && length encode($document) > 20_000;
        # The first one patches what is not there: a 404 for certain.
        my ($request, $status, $after) = ($i == 1 ? \&write_json_patch : pick(@writes))->($document);
        # A condition that holds must make no difference, one that doesn't must stop it.
        my @condition;
        my $held = $status;
        if (defined $document && length $tag && $status =~ /^(?:204|409)$/ && rand() < 0.3) {
            my $good = rand() < 0.7;
            @condition = (headers => [ 'If-Match' => $good ? pick($tag, "\"1\", $tag", '"x",' . $tag, "W/$tag") : pick('"1"', 'W/"1"') ]);
            ($held, $after) = (412, $document) unless $good;
        }
        my $answer = ask(@$request, @condition);
        my $get    = ask(GET => '/c');
        my $now    = $get->{status} == 200 ? decode($get->{body}) : undef;
        $statuses{ $answer->{status} }++;
        if ($answer->{status} != $held || canonical($now) ne canonical($after)) {
            trouble("write $i: $request->[0] $request->[1] " . ({ @$request[ 2 .. $#$request ] }->{body} // '') . " @{$condition[1] // []}, $held expected",
                $answer, "\nbefore: " . (defined $document ? encode($document) : 'nothing'), "\nafter:  $get->{body}", "\nmodel:  " . (defined $after ? encode($after) : 'nothing'));
            last;
        }
        $good++;
        ($document, $tag) = ($now, $get->{headers}{etag} // '');
    }
    is($good, $n, 'all of them') or diag("MUSTER_SEED=$seed");
    note(join ', ', map { "$_: $statuses{$_}" } sort keys %statuses);
    ok($statuses{$_}, "some were $_") for 204, 400, 404, 409, 412;
    is($postgres->psql('select count(*) from muster_preferences where bytes <> octet_length(document::text)'), 0, 'sizes are right');
};

# --- one user's requests and another's data

my $secret = 'secret' . int rand 1e9;
my $victim = pick('victim', "v\x{ec}ctim", 'victim@example.org', '1000');
utf8::encode($victim);

sub victims_view {
    return join "\n", map { my $a = ask(GET => $_, user => $victim); "$_ $a->{status} " . ($a->{headers}{etag} // '') . " $a->{body}" } '/', '/defaults', '/defaults/passwords', '/other';
}

# Names that something might take for the victim's. Spaces around are not part of a header's value.
sub hostile_id {
    my $v  = $victim;
    my $id = pick(
        uc $v, ucfirst $v, "$v%00", "$v ", "$v\\", "$v'--", "' or user_id='$v", "%", "_" x length $v, "$v\x{c2}\x{a0}", "\"$v\"", "'$v'", "$v/..", "../$v", "x/$v", "$v;", substr($v, 0, -1),
        "${v}x", "($v)", "$v|$v", "\$1", '{}', "$v\x{cc}\x{81}", "\x{ef}\x{bb}\x{bf}$v", ".*", "\x{e2}\x{80}\x{8b}$v", "X-User-Id: $v", 'x' x 255, 'attacker',
    );
    return $id =~ s/^[ \t]+|[ \t]+$//gr eq $v ? "$v$v" : $id;
}

sub hostile_segment {
    my $v = $victim;
    return pick('defaults', 'defaults', 'passwords', 'root', 'other', 'list', '0', uri_encode($v)) if rand() < 0.6;
    return pick(
        $v, uri_encode($v), 'defaults', 'passwords', '..', '.', '%2e%2e', '%2E', '%2F', '..%2f..', '%5c..', '', ';', ';user=' . uri_encode($v), '%27%20or%20%271%27=%271', '%27;delete%20from%20muster_preferences;--',
        '%25', '_', '%00', '%0d%0aX-User-Id:%20' . uri_encode($v), '%ff', '%c0%ae%c0%ae', '*', '%7b%7d', '{a,b}', '%24%24', '$1', '__doc__', 'preferences', '0', '-1', '%20', '%e2%80%ae', 'x' x 1025, '%u0041', '%', '%4',
    );
}

sub hostile_request {
    my $method = pick(qw(GET GET POST POST PUT PATCH DELETE DELETE HEAD OPTIONS));
    my $path   = join '', map { '/' . hostile_segment() } 1 .. int rand 6;
    $path = pick('/', '', '/../preferences/', '/./') . $path =~ s{^/}{}r if rand() < 0.2;
    $path = "/$path" if $path !~ m{^[/?]} && length $path;
    $path .= '?pointer=' . pick(map { uri_encode($_) } "/$victim", '', '/', '//', '/~', '/0/-', "/..", "/defaults\x00", '/' . "a/" x 70, "/' or 1=1 --") if rand() < 0.3;
    $path .= '?contains=' . pick(map { uri_encode($_) } '{}', '{"root": "' . $secret . '"}', "{\"user_id\": \"$victim\"}", '{"$where": "1"}', '[]', "'") if rand() < 0.2 && $path !~ /\?/;
    $path .= pick('?user=', '?X-User-Id=', '?user_id=', '&') . uri_encode($victim) if rand() < 0.1;
    my @extra = rand() < 0.3 ? pick(
        [ 'X_User_Id' => $victim ], [ 'X.User.Id' => $victim ], [ 'X-User-Id ' => $victim ], [ 'x-user-id' => $victim ], [ 'X-USER-ID' => $victim ], [ 'X-User-Id' => '' ], [ 'REMOTE_USER' => $victim ],
        [ 'Remote-User' => $victim ], [ 'HTTP_X_USER_ID' => $victim ], [ 'Proxy' => $victim ], [ 'X-User-Id-' => $victim ], [ 'X--User-Id' => $victim ],
        [ 'X-Original-URL' => "/preferences/defaults" ], [ 'X-HTTP-Method-Override' => 'DELETE' ], [ 'Content-Encoding' => 'gzip' ], [ 'If-Match' => '*' ], [ 'If-None-Match' => '*' ],
    )->@* : ();
    my $body = pick(undef, undef, '{}', '{"user_id": "x"}', '"x"', '[{"op": "remove", "path": ""}]', '[{"op": "copy", "from": "/defaults", "path": "/stolen"}]', "{\"container\": \"$victim\"}", "X-User-Id=$victim");
    my $type = pick(undef, 'application/json', 'application/merge-patch+json', 'application/json-patch+json', 'application/x-www-form-urlencoded');
    return ($method, $path, \@extra, $body, $type);
}

for my $front ('nginx', 'lighttpd') {
    subtest "hostile requests through $front" => sub {
        my $server = $world->server;
        my $web    = $front eq 'nginx' ? $world->front : Muster::Front->new(server => $server, kind => $front);
        my $client = $web->client;
        ask(DELETE => '/', user => $victim);
        my $put = ask(PUT => '/defaults', user => $victim, body => qq({"passwords": {"root": "$secret"}, "list": [1, 2]}));
        die "no victim: $put->{status} $put->{body}" if $put->{status} != 201;
        ask(POST => '/other', user => $victim);
        my $view = victims_view();
        my ($sent, $n) = (0, 500 * $runs);
        my %statuses;
        for my $i (1 .. $n) {
            my ($method, $path, $extra, $body, $type) = hostile_request();
            my $id     = hostile_id();
            my $answer = $client->request($method, "/preferences$path", headers => [ 'X-User-Id' => $id, @$extra ], defined $body ? (body => $body) : (), defined $type ? (type => $type) : ());
            $statuses{ $answer->{status} }++;
            my $leak = index($answer->{body} . ($answer->{raw} // ''), $secret) >= 0 && $path !~ /contains/;
            my $bad  = $answer->{status} == 0 || $answer->{status} >= 500 || $leak;
            # To look at the victim after each would double the time; the last few are named instead.
            $bad ||= $i % 20 == 0 && victims_view() ne $view;
            if ($bad) {
                trouble("request $i: $method /preferences$path as $id with @$extra, body " . ($body // 'none'), $answer, $answer->{error} // '', "\nvictim: " . victims_view());
                last;
            }
            $sent++;
        }
        is($sent, $n, 'none showed anything, none failed');
        is(victims_view(), $view, 'none changed anything');
        note(join ', ', map { "$_: $statuses{$_}" } sort keys %statuses);
        ok($statuses{204} && $statuses{200}, 'some of them were served');
        is($postgres->psql('select count(*) from muster_preferences where user_id = :\'user\' and container not in (\'defaults\', \'other\')', vars => { user => $victim }), 0, 'nothing was put there');
    };
}

subtest 'an authenticated user can not act as another' => sub {
    my $server = Muster::Server->new(postgres => $postgres, schema => 0, conf => { preferences_identity_param => 'REMOTE_USER', connect_timeout => 60000 });
    for my $kind ('nginx', 'lighttpd') {
        my $web    = Muster::Front->new(server => $server, kind => $kind, identity => 'basic');
        my $alice  = $web->client(user => 'alice', password => 'secret');
        my $bob    = $web->client(user => 'bob',   password => 'secret');
        like($bob->put('/preferences/mine', body => '{"of": "bob"}')->{status}, qr/^20[14]$/, "$kind: bob has something");
        like($alice->put('/preferences/mine', body => '{"of": "alice"}')->{status}, qr/^20[14]$/, "$kind: alice has something");
        for my $forged (
            [ 'X-User-Id' => 'bob' ], [ 'X_User_Id' => 'bob' ], [ 'REMOTE_USER' => 'bob' ], [ 'Remote-User' => 'bob' ], [ 'Remote_User' => 'bob' ], [ 'remote.user' => 'bob' ], [ 'X-Remote-User' => 'bob' ],
            [ 'Authenticated-User' => 'bob' ], [ 'HTTP_REMOTE_USER' => 'bob' ], [ 'REMOTE-USER' => '' ], [ 'X-Forwarded-User' => 'bob' ], [ 'AUTH_USER' => 'bob' ],
        ) {
            my $answer = $alice->get('/preferences/mine/of', headers => $forged);
            my $said   = $answer->{status} == 200 ? $answer->{body} : $answer->{status};
            like($said, qr/^(?:"alice"|400)$/, "$kind: $forged->[0]: $forged->[1] does not make bob of alice") or diag($answer->{body});
        }
        is($web->client->get('/preferences/mine', headers => { 'X-User-Id' => 'bob', 'Remote-User' => 'bob' })->{status}, 401, "$kind: nor anonymously");
        is($web->client(user => 'bob', password => 'wrong')->get('/preferences/mine')->{status}, 401, "$kind: nor with a wrong password");
        $web->stop;
    }
    # A trusted gateway sets X-User-Id; the sample takes off what a client says.
    my $trusting = $world->server;
    my $sample   = Muster::Front->new(server => $trusting, kind => 'nginx', identity => 'sample');
    is($sample->client->get('/preferences/', headers => { $_ => 'bob' })->{status}, 401, "nginx's sample takes $_ off") for 'X-User-Id', 'X_User_Id', 'X.User.Id', 'x-user-id';
    # lighttpd takes other spellings for the same header: beside the gateway's they are refused.
    my $lighttpd = Muster::Front->new(server => $trusting, kind => 'lighttpd');
    for my $forged ('X_User_Id', 'X.User.Id', 'X-User-Id', 'x-user_id') {
        for my $headers ([ 'X-User-Id' => 'alice', $forged => 'bob' ], [ $forged => 'bob', 'X-User-Id' => 'alice' ]) {
            my $answer = $lighttpd->client->get('/preferences/mine/of', headers => $headers);
            is($answer->{status}, 400, "lighttpd: @$headers is refused") or diag($answer->{body});
        }
    }
    my $nginx = $world->front;
    for my $headers ([ 'X-User-Id' => 'alice', 'X-User-Id' => 'bob' ], [ 'X-User-Id' => 'alice', 'x-user-id' => 'bob' ]) {
        is($nginx->client->get('/preferences/mine/of', headers => $headers)->{status}, 400, "nginx: @$headers is refused");
    }
    is($nginx->client->get('/preferences/mine/of', headers => [ 'X_User_Id' => 'bob', 'X-User-Id' => 'alice' ])->{body}, '"alice"', 'nginx drops the spelling with underscores');
};

$world->server->stop;
done_testing();
