#!/usr/bin/perl
# 96-history.t: what versions changed (/history), and what is different between two (/diff).
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Process qw(build_dir);
use Muster::Versions qw(made);
use Muster::World;

my $world  = Muster::World->new(data => 0);
my $pg     = $world->postgres;
my $client = $world->client;

sub sql { return $pg->psql($_[0]) }

sub latest { return scalar sql('select max(version) from clustoversioning') }
sub id     { return scalar sql("select max(entity_id) from entities where name = '$_[0]'") }

sub got {
    my ($path, @query) = @_;
    my $answer = $client->get($path, query => \@query);
    is $answer->{status}, 200, "$path @query" or diag $answer->{body};
    return $answer->{json};
}

sub history { return got('/history', @_) }
sub numbers { return join ' ', map { $_->{version} } @{ history(@_)->{versions} } }

sub refused {
    my ($path, $query, $status, $text) = @_;
    my $answer = $client->get($path, query => $query);
    is_deeply [ @$answer{qw(status json)} ], [ $status, $text ], "$path @$query is refused";
    return $answer;
}

# An object of a list of changes in one line: "changed /pool/p: key.subkey:number before>after; ...".
sub value { return !$_[0] ? '' : ref $_[0]{value} ? 'json' : $_[0]{value} // 'null' }

sub told {
    my ($object) = @_;
    my @attrs = map {
        my $a = $_;
        $a->{key} . (defined $a->{subkey} ? ".$a->{subkey}" : '') . (defined $a->{number} ? ":$a->{number}" : '') . ' ' . value($a->{before}) . '>' . value($a->{after})
    } @{ $object->{attrs} };
    return "$object->{change} $object->{object}" . ($object->{was} ? " ($object->{was})" : '') . (@attrs ? ': ' . join '; ', @attrs : '');
}

sub changes {
    my ($version) = @_;
    my ($found) = grep { $_->{version} == $version } @{ history(before => $version + 1, limit => 1, details => 'true')->{versions} };
    return [ map { told($_) } @{ $found->{objects} } ];
}

# --- plans are made while the tables are empty, and kept: each row is looked up by an index on what is known of it

subtest 'early plans' => sub {
    my %type = (t => 'text', i => 'integer', I => 'integer[]', T => 'text[]');
    my (%statement, $settings);
    for (split /\n/, qx(@{[ build_dir() ]}/t/tables)) {
        my ($kind, $name, $params, $text) = split /\t/;
        $statement{$name} = [ [ map { $type{$_} } split //, $params ], $text ] if $kind eq 'statement' && $name =~ /^(?:history|revert)_/;
        $settings = join '; ', map { "set $_ = off" } $name =~ /(enable_\w+)=off/g if $kind eq 'session';
    }
    cmp_ok(scalar keys %statement, '>', 20, 'there are statements');
    for my $name (sort keys %statement) {
        my ($types, $text) = @{ $statement{$name} };
        my @list = @$types ? map { '(' . join(', ', @$_) . ')' } $types, [ ('null') x @$types ] : ('', '');
        my @plan = sql("$settings; set plan_cache_mode = force_generic_plan; prepare p$list[0] as $text; explain (costs off) execute p$list[1]");
        my @bad  = map { $plan[$_] =~ /Scan.* on (?:entities|entity_attrs)\b/ && ($plan[ $_ + 1 ] // '') !~ /Index Cond/ ? $plan[$_] =~ s/^\s+//r : () } 0 .. $#plan;
        is("@bad", '', "$name: no table or index is read from its beginning to its end");
    }
};

# --- one version after the other

my $v1 = made($client->post('/entity/basicserver', form => [ name => 'a', name => 'b' ], headers => { 'Clusto-Description' => 'two servers' }));
my $v2 = made($client->post('/entity/pool', form => { name => 'p' }));
my $v3 = made($client->put('/attribute/a/owner/team', form => { value => 'x' }));
my $v4 = made($client->put('/attribute/a/owner/team', form => { value => 'y' }));
my $v5 = made($client->post('/attribute/a', form => { key => 'n', number => 3, value => 7, datatype => 'int' }));
my $v6 = made($client->post('/entity/pool/p', form => { action => 'insert', device => 'a' }));

subtest 'what a version changed' => sub {
    is_deeply changes($v1), [ 'created /basicserver/a', 'created /basicserver/b' ], 'objects were created';
    is_deeply changes($v3), ['changed /basicserver/a: owner.team >x'], 'an attribute was added';
    is_deeply changes($v4), ['changed /basicserver/a: owner.team x>y'], '... changed';
    is_deeply changes($v5), ['changed /basicserver/a: n:3 >7'], '... with a number';
    is_deeply changes($v6), [ 'referenced /basicserver/a', 'changed /pool/p: _contains:0 >/basicserver/a' ], 'a member was inserted';
    my $list = history(before => $v2, limit => 1, details => 'true');
    my ($version) = @{ $list->{versions} };
    is_deeply [ @$version{qw(description more user version)} ], [ 'two servers', 0, undef, $v1 ], 'who and what for';
    like $version->{time}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'and when';
    is $version->{objects}[0]{id}, id('a'), 'the id of an object';
    is_deeply $list->{floor}, { exact => 0, oldest => 0 }, 'the floor';
    is_deeply [ sort keys %{ history(limit => 1)->{versions}[0] } ], [qw(description time user version)], 'without details';
};

subtest 'what others write' => sub {
    sql("update entities set name = 'bb' where name = 'b'");
    is_deeply changes(latest()), ['renamed /basicserver/bb (/basicserver/b)'], 'a name';
    is_deeply changes($v1), [ 'created /basicserver/a', 'created /basicserver/b' ], '... is as it was before that';
    my $version = history(limit => 1)->{versions}[0];
    is "$version->{user}: $version->{description}", 'postgres: written past the service by psql', 'who';
    sql("update entities set driver = 'basicvirtualserver' where name = 'bb'");
    is_deeply changes(latest()), ['renamed /basicvirtualserver/bb (/basicserver/bb)'], 'a driver';
    sql("update entity_attrs set string_value = 'z' where key = 'owner' and deleted_at_version is null");
    is_deeply changes(latest()), ['changed /basicserver/a: owner.team y>z'], 'a value in place';
    sql("insert into entity_attrs(entity_id, key, datatype, string_value, version) values (@{[ id('a') ]}, 'foreign', 'string', 'f', 1)");
    is_deeply changes(latest()), ['changed /basicserver/a: foreign >f'], 'a row with the number of another version';
    sql("delete from entity_attrs where key = 'foreign'");
    is_deeply changes(latest()), ['changed /basicserver/a: foreign f>'], 'a row that was erased';
    sql("begin; insert into entity_attrs(entity_id, key, datatype, string_value, version) values (@{[ id('a') ]}, 'short', 'string', 'f', 1);
        delete from entity_attrs where key = 'short'; update entities set name = 'bbb' where name = 'bb'; update entities set name = 'bb' where name = 'bbb'; commit");
    is_deeply changes(latest()), [], 'what is as it was in the end';
};

my $v7 = made($client->delete('/entity/basicserver/a'));
subtest 'a deleted object' => sub {
    is_deeply changes($v7), [ 'deleted /basicserver/a: n:3 7>; owner.team z>', 'changed /pool/p: _contains:0 /basicserver/a>' ], 'with all that was of it';
    is_deeply changes($v6), [ 'referenced /basicserver/a', 'changed /pool/p: _contains:0 >/basicserver/a' ], 'is called as before';
};

subtest 'several values of one key' => sub {
    made($client->post('/entity/basicserver', form => { name => 'm' }));
    made($client->post('/attribute/m', form => { key => 'k', value => $_ })) for 1 .. 3;
    sql("begin; delete from entity_attrs where key = 'k'; insert into entity_attrs(entity_id, key, datatype, string_value, version)
        values (@{[ id('m') ]}, 'k', 'string', '9', 1); commit");
    my $v = latest();
    is_deeply changes($v), ['changed /basicserver/m: k 1>9; k 2>; k 3>'], 'are paired in the order of their rows';
    my @all = map { told($_) } @{ got('/diff', from => $v - 2, to => $v - 1)->{objects} };
    is_deeply \@all, ['changed /basicserver/m: k >3'], 'one more';
};

# --- lists

subtest 'pages and filters' => sub {
    my $latest = latest();
    is numbers(limit => 3), join(' ', $latest, $latest - 1, $latest - 2), 'the latest first';
    my $page = history(limit => 3);
    is $page->{next}, $latest - 2, 'the cursor';
    is numbers(limit => 2, before => $page->{next}), join(' ', $latest - 3, $latest - 4), 'the next page';
    is history(limit => 200)->{next}, undef, 'the last page';
    my ($all, $before, @pages) = (numbers(limit => 200));
    while (1) {
        my $list = history(limit => 2, $before ? (before => $before) : ());
        push @pages, map { $_->{version} } @{ $list->{versions} };
        $before = $list->{next} // last;
    }
    is join(' ', @pages), $all, 'all pages are the whole list';
    is numbers(object => 'p'), "$v7 $v6 $v2", 'of an object: also what refers to it, or is contained';
    is numbers(object => 'a'), join(' ', $v7, grep({ $_ < $v7 } reverse($v6 + 3 .. $v6 + 5)), $v6, $v5, $v4, $v3, $v1), 'of one that was deleted';
    is numbers(id => id('a')), numbers(object => 'a'), 'by its id';
    is numbers(object => 'b'), numbers(object => 'bb'), 'by a name that it had';
    is numbers(object => 'p', limit => 1, before => $v7), $v6, 'with a page';
    is history(object => 'p', limit => 2)->{next}, $v6, '... and a cursor';
    is history(object => 'p', limit => 3)->{next}, undef, '... and an end';
    is numbers(from => $v2, to => $v4), "$v4 $v3", 'from and to';
    is numbers(from => $v2, to => $v6, object => 'p'), $v6, 'of an object, too';
    is numbers(to => '2001-01-01T00:00:00Z'), '', 'a time before the first';
    like numbers(from => '2001-01-01T00:00:00Z'), qr/ $v1 1$/, 'after it';
    is numbers(user => 'postgres', limit => 2), join(' ', (grep { $_ } sql("select version from clustoversioning where \"user\" = 'postgres' order by version desc limit 2"))), 'of a user';
    is numbers(user => 'postgres', object => 'bb', limit => 1), $v6 + 7 - 1, 'of a user and an object';
    is numbers(user => 'nobody'), '', 'of nobody';
    is numbers(id => 99999), '', 'of an id that never was';
};

subtest 'limits of details' => sub {
    my $v = made($client->post('/entity/basicserver', form => [ map { (name => "many$_") } 1 .. 130 ]));
    my $version = history(details => 1, limit => 1)->{versions}[0];
    is scalar @{ $version->{objects} }, 100, 'a hundred objects';
    is $version->{more}, 30, 'and how many more';
    $version = history(details => 1, object => 'many130')->{versions}[0];
    is $version->{objects}[0]{object}, '/basicserver/many130', 'the one that was asked for is among them';
    is scalar @{ $version->{objects} }, 100, 'with others';
};

# --- differences

sub diff { return [ map { told($_) } @{ got('/diff', @_)->{objects} } ] }

subtest 'differences' => sub {
    is_deeply diff(from => $v2, to => $v6), [ 'changed /basicserver/a: n:3 >7; owner.team >y', 'changed /pool/p: _contains:0 >/basicserver/a' ], 'of several versions together';
    is_deeply diff(from => $v1 - 1, to => $v1), [ 'created /basicserver/a', 'created /basicserver/b' ], 'of one';
    is_deeply diff(from => $v1, to => $v7, object => 'b'), ['renamed /basicvirtualserver/bb (/basicserver/b)'], 'of an object';
    is_deeply diff(from => $v5, to => $v6, id => id('a')), ['referenced /basicserver/a'], 'of one that is only referred to';
    is_deeply diff(from => $v2, to => $v7, object => 'a'), ['deleted /basicserver/a'], 'of one that was deleted';
    is_deeply diff(from => $v1 - 1, to => $v7, object => 'a'), [], 'of one that was there in between';
    is_deeply diff(from => $v4, to => $v4), [], 'of none';
    my $page = got('/diff', from => $v1, limit => 2);
    is_deeply [ map { $_->{object} } @{ $page->{objects} } ], [qw(/basicserver/a /basicvirtualserver/bb)], 'a page' or diag explain $page;
    is $page->{next}, id('bb'), 'its cursor';
    my ($after, @objects) = (0);
    while (defined $after) {
        my $list = got('/diff', from => 1, limit => 50, after => $after);
        push @objects, @{ $list->{objects} };
        $after = $list->{next};
    }
    my $answer = $client->get('/diff', query => [ from => 1 ], headers => { Accept => 'application/x-ndjson' });
    is $answer->{headers}{'content-type'}, 'application/x-ndjson', 'as lines';
    is $client->get('/diff', query => [ from => 1 ], headers => { Accept => 'application/x-ndjson;q=1, */*' })->{headers}{'content-type'}, 'application/x-ndjson', '... also where others would do';
    my @lines = map { JSON::PP->new->utf8->decode($_) } split /\n/, $answer->{body};
    my $last = pop @lines;
    is_deeply $last, { complete => JSON::PP::true, exact => JSON::PP::true, from => 1, objects => scalar @lines, to => latest() }, 'the last says that this is all';
    is_deeply \@lines, \@objects, 'the same as on pages';
    is scalar @objects, 133, 'as many';
    is scalar(split /\n/, $client->get('/diff', query => [ from => 2, to => 2 ], headers => { Accept => 'application/x-ndjson' })->{body}), 1, 'nothing but the end';
};

# A page is found in three ways: by the few rows of the span, by the objects after the last one, and, where
# too many of those were not changed, by all rows of the span.
subtest 'pages of large spans' => sub {
    my $many = sub { "insert into entities(name, type, driver, version) select '$_[0]' || i, 'server', 'basicserver', 1 from generate_series(1, $_[1]) i" };
    my $rows = sub { "insert into entity_attrs(entity_id, key, datatype, string_value, version) select entity_id, 'k' || k, 'string', 'v', 1 from entities cross join generate_series(1, $_[1]) k where name like '$_[0]%'" };
    my $before = latest();
    sql(join ';', 'begin', $many->('large', 2500), $rows->('large', 3), 'commit');
    my $first = latest();
    sql(join ';', 'begin', "insert into entity_attrs(entity_id, key, datatype, string_value, version) select entity_id, 'far' || i, 'string', 'v', 1 from entities cross join generate_series(1, 1100) i where name in ('large2300', 'large2500')",
        "insert into entity_attrs(entity_id, key, datatype, relation_id, version) select e.entity_id, 'refers', 'relation', r.entity_id, 1 from entities e, entities r where e.name = 'large2300' and r.name = 'large2299'", 'commit');
    my $second = latest();
    made($client->put('/attribute/large10/k1', form => { value => 'w' }));
    made($client->delete('/entity/basicserver/large11'));
    my $third = latest();
    my %objects = ("few rows" => [ $second, $third, 2 ], 'many' => [ $before, $third, 2499 ], 'rows that are far away' => [ $first, $second, 3 ], 'both' => [ $first, $third, 5 ]);
    for my $name (sort keys %objects) {
        my ($from, $to, $count) = @{ $objects{$name} };
        my ($after, @ids) = (0);
        while (defined $after) {
            my $list = got('/diff', from => $from, to => $to, limit => 200, after => $after);
            push @ids, map { "$_->{id} " . told($_) } @{ $list->{objects} };
            $after = $list->{next};
        }
        my @lines = split /\n/, $client->get('/diff', query => [ from => $from, to => $to ], headers => { Accept => 'application/x-ndjson' })->{body};
        pop @lines;
        is scalar @ids, $count, "$name: as many objects as were changed";
        is_deeply \@ids, [ map { my $o = JSON::PP->new->utf8->decode($_); "$o->{id} " . told($o) } @lines ], '... the same as in lines';
    }
    is_deeply [ map { $_->{object} } @{ got('/diff', from => $first, to => $second, limit => 2)->{objects} } ], [ '/basicserver/large2299', '/basicserver/large2300' ], 'a page of those far away';
    my ($statement) = map { (split /\t/)[3] } grep { /^statement\thistory_page\t/ } split /\n/, qx(@{[ build_dir() ]}/t/tables);
    my $plan = sub { join "\n", sql("set enable_seqscan = off; set enable_bitmapscan = off; set plan_cache_mode = force_generic_plan; prepare p(integer, integer, integer, integer) as $statement; explain (analyze, timing off) execute p($_[0])") };
    my @read = sort { $b <=> $a } $plan->("$before, $third, 0, 5") =~ /Index Scan using muster_attrs_version .*?\(actual rows=(\d+)/g;
    ok $read[0] && $read[0] <= 2001, 'a page of a large span does not read all its rows' or diag "@read";
};

# --- refusals

subtest 'refused' => sub {
    my $future = latest() + 1;
    refused('/history', [ object => 'nobody' ], 404, 'Object "nobody" not found (nobody never existed.)');
    refused('/history', [ limit => $_ ], 400, qq{"limit" must be a number from 1 to 200, not '$_'.}) for 0, 201, 'x';
    refused('/history', [ before => 0 ], 400, q{"before" must be a number from 1 to 2147483647, not '0'.});
    refused('/history', [ id => 'a' ], 400, q{"id" must be a number from 1 to 2147483647, not 'a'.});
    refused('/history', [ id => 1, object => 'a' ], 400, 'Name either "object" or "id".');
    refused('/history', [ from => 'x' ], 400, q{"from" must be a version, a time as 2026-11-25T14:00:00Z, or "now", not 'x'});
    refused('/history', [ to => $future ], 400, "Version $future is not there yet; the latest is @{[ $future - 1 ]}.");
    refused('/history', [ from => '2999-01-01T00:00:00Z' ], 400, q{The time '2999-01-01T00:00:00Z' is in the future.});
    refused('/history', [ from => 3, to => 2 ], 400, '"from" (version 3) is later than "to" (version 2).');
    refused('/history', [ details => 'x' ], 400, q{"details" must be true or false, not 'x'.});
    refused('/diff', [], 412, 'Provide the version or time "from" which to compare');
    refused('/diff', [ from => 1, object => 'nobody' ], 404, 'Object "nobody" not found (nobody never existed.)');
    refused('/diff', [ from => 1, form => 2 ], 400, 'Unknown parameter "form". Please choose from: from, to, object, id, after, limit.');
};

subtest 'a write under way' => sub {
    my $before = latest();
    my $end    = $pg->hold("insert into clustoversioning(description) values ('slow')");
    my $version = made($client->put('/attribute/m/held', form => { value => 1 }));
    is numbers(limit => 1), $before, 'only settled versions are listed';
    my $answer = refused('/diff', [ from => 1, to => $version ], 503, "Version $version is not settled: an earlier write is still under way.");
    is_deeply [ @{ $answer->{headers} }{qw(clusto-settled retry-after)} ], [ $before, 1 ], 'which is the latest that is';
    is got('/diff', from => 1)->{to}, $before, 'now is the latest settled one';
    $end->();
    is numbers(limit => 1), $version, 'after its end all are';
};

subtest 'the floor' => sub {
    sql("update muster_floor set exact = $v3, oldest = $v2");
    is_deeply history()->{floor}, { exact => $v3 + 0, oldest => $v2 + 0 }, 'is told';
    is((history(limit => 200)->{versions}[-1])->{version}, $v3, 'nothing below it is');
    is numbers(object => 'a', before => $v4), $v3, 'nor of an object';
    my $answer = refused('/diff', [ from => $v1 ], 410, "Version $v1 is not kept any more; the oldest is $v2.");
    is $answer->{headers}{'clusto-oldest'}, $v2, 'in a header';
    ok !got('/diff', from => $v2)->{exact}, 'what may be incomplete says so';
    ok got('/diff', from => $v3)->{exact}, 'and what is not';
};

$world->stop;
done_testing;
