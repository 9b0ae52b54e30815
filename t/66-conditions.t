#!/usr/bin/perl
# 66-conditions.t: entity tags of objects, and requests on condition of them. Tags stand for what an object's rows
# say, whoever wrote them; of writers on condition of one state exactly one succeeds.
# MUSTER_RACES (1000), MUSTER_SEED.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Client qw(parallel);
use Muster::Process qw(slurp);
use Muster::World;

my $RACES = $ENV{MUSTER_RACES} // 1000;
my $SEED  = $ENV{MUSTER_SEED} // int rand 2**31;
srand $SEED;
diag "seed $SEED";

# All workers may write: or on a busy machine a write that waits for another would be refused.
my $world  = Muster::World->new(data => 0, conf => { workers => 3, write_workers => 3 }, front_options => { cors => 0 });
my $pg     = $world->postgres;
my $client = $world->client;

sub sql { return $pg->psql($_[0]) }

sub done { return $client->expect(@_) }

sub tag { my ($path, %header) = @_; return $client->get($path, headers => \%header)->{headers}{etag} }
sub state_of { my ($path) = @_; return tag($path) =~ /^"([\w-]{16})-e"$/ ? $1 : 'none' }

# Everything that a write may change, and all that it must leave alone when it is refused.
sub everything { return join "\n", map { scalar sql("select * from $_ order by 1") } qw(clustoversioning entities entity_attrs) }

done('servers', 201, POST => '/entity/basicserver', form => [ map { (name => "web$_") } 1 .. 9 ]);
done('pools', 201, POST => '/entity/pool', form => [ map { (name => "p$_") } 1 .. 3 ]);
done('a rack', 201, POST => '/entity/basicrack', form => [ name => 'rack1' ]);
done('a manager', 201, POST => '/resourcemanager/ipmanager', form => [ name => 'lan', baseip => '10.0.0.0', netmask => '24' ]);
done('an attribute', 201, POST => '/attribute/web1', form => { key => 'owner', value => 'ann' });

my %COMPACT = ('Clusto-Mode' => 'compact', 'If-None-Match' => '"x"');

subtest 'one state, a tag for each representation' => sub {
    my $state = state_of('/by-name/web1');
    isnt($state, 'none', "the state is $state");
    # In compact form a tag is told to those who send one, and to no others.
    is(tag('/by-name/web1', 'Clusto-Mode' => 'compact'), undef, 'compact, without a condition: no tag');
    my %header = (minified => { 'Clusto-Minify' => 'true' }, compact => { %COMPACT }, 'without contents' => { 'Clusto-Contents' => 'none' });
    my @forms = (
        [ '/by-name/web1', {}, 'e' ],
        [ '/by-name/web1', { 'Clusto-Mode' => 'expanded' }, 'e' ],
        [ '/by-name/web1', $header{minified}, 'em' ],
        [ '/by-name/web1', $header{compact}, 'c' ],
        [ '/by-name/web1', { map { %$_ } @header{qw(minified compact)} }, 'cm' ],
        [ '/by-name/web1', $header{'without contents'}, 'en' ],
        [ '/entity/basicserver/web1', {}, 'e' ],
        [ '/entity/basicserver/web1', $header{compact}, 'c' ],
        [ '/attribute/web1', {}, 'a' ],
        [ '/attribute/web1', $header{minified}, 'am' ],
        [ '/attribute/web1/owner', {}, 'a' ],
        [ '/attribute/web1/_contains', {}, 'a' ],
    );
    is(tag($_->[0], %{ $_->[1] }), qq("$state-$_->[2]"), "$_->[0] @{[ %{ $_->[1] } ]}") for @forms;
    like(tag('/resourcemanager/ipmanager/lan'), qr/^"[\w-]{16}-e"$/, 'a manager');
    is(tag('/resource/ipmanager/lan', %COMPACT) =~ s/-c"$//r, tag('/by-name/lan') =~ s/-e"$//r, '... by either mount');
    like($client->get('/by-name/web1')->{headers}{vary}, qr/\bClusto-Minify, Clusto-Mode\b/, 'Vary');
    like($client->get('/attribute/web1')->{headers}{vary}, qr/\bClusto-Minify\b/, 'Vary of attributes');
    is($client->get('/by-name/nobody')->{headers}{etag}, undef, 'what is not there has none');
    is(tag('/by-name/web1'), qq("$state-e"), 'the same again') for 1 .. 3;
    my %other = map { state_of("/by-name/$_") => 1 } map({ "web$_" } 1 .. 9), map({ "p$_" } 1 .. 3), 'rack1', 'lan';
    is(scalar keys %other, 14, 'each object has its own');
};

subtest 'If-None-Match' => sub {
    for my $path ('/by-name/web2', '/entity/basicserver/web2', '/attribute/web2', '/resourcemanager/ipmanager/lan') {
        my $etag   = tag($path);
        my $served = $client->metric('cache_served_total');
        my $answer = done("$path: unchanged", 304, GET => $path, headers => { 'If-None-Match' => $etag });
        is($client->metric('cache_served_total') - $served, 1, 'out of the cache');
        is($answer->{body}, '', 'no body');
        is($answer->{headers}{etag}, $etag, 'the tag');
        is($answer->{headers}{'content-type'}, undef, 'no type');
        like($answer->{headers}{vary}, qr/Clusto-Minify/, 'Vary');
        done('weak, as a compressing front server has it', 304, GET => $path, headers => { 'If-None-Match' => "W/$etag" });
        done('with its coding', 304, GET => $path, headers => { 'If-None-Match' => $etag =~ s/"$/-gzip"/r });
        done('one of several', 304, GET => $path, headers => { 'If-None-Match' => qq("x", $etag) });
        done('*', 304, GET => $path, headers => { 'If-None-Match' => '*' });
        done('HEAD', 304, HEAD => $path, headers => { 'If-None-Match' => $etag });
        done('another one', 200, GET => $path, headers => { 'If-None-Match' => '"x"' });
        done('another form', 200, GET => $path, headers => { 'If-None-Match' => $etag, 'Clusto-Minify' => 'true' });
        done('that can not be read', 400, GET => $path, headers => { 'If-None-Match' => 'x' });
        done('twice', 400, GET => $path, headers => [ 'If-None-Match' => '"x"', 'If-None-Match' => $etag ]);
    }
    is($client->get('/by-name/web2', headers => { 'Clusto-Mode' => 'compact' })->{headers}{etag}, undef, 'compact: in the cache without a tag') for 1 .. 2;
    my $compact = tag('/by-name/web2', %COMPACT);
    my $before  = $client->metric('cache_served_total');
    done('compact: unchanged', 304, GET => '/by-name/web2', headers => { 'Clusto-Mode' => 'compact', 'If-None-Match' => $compact });
    is($client->metric('cache_served_total') - $before, 1, 'out of the cache');
    my $etag = tag('/by-name/web2');
    done('a change', 201, POST => '/attribute/web2', form => { key => 'a', value => 'b' });
    done('changed', 200, GET => '/by-name/web2', headers => { 'If-None-Match' => $etag });
    done('changed', 200, GET => '/by-name/web2', headers => { 'If-None-Match' => $etag });
    my $new = tag('/by-name/web2');
    isnt($new, $etag, 'another state');
    done('unchanged since', 304, GET => '/by-name/web2', headers => { 'If-None-Match' => $new });
    my $past = $client->get('/by-name/web2', headers => { 'Clusto-As-Of' => 'now' });
    like($past->{headers}{etag}, qr/^"v\d+-/, 'the past has tags of its own');
    my %none = ('Clusto-As-Of' => 'now', 'Clusto-Contents' => 'none');
    isnt(tag('/by-name/p1', %none), tag('/by-name/p1', 'Clusto-As-Of' => 'now'), '... also without contents');
};

# More members than are read for a representation that does not show them, and more than the cache takes.
subtest 'an object with many members' => sub {
    done('members', 201, POST => '/entity/basicserver', form => [ map { (name => "member$_") } 1 .. 3000 ]);
    my $insert = sub { done('inserted', 200, POST => '/entity/pool/p3', form => [ action => 'insert', map { (device => "member$_") } @_ ], headers => { 'Clusto-Mode' => 'compact' }) };
    $insert->(1 .. 100);
    my $state = state_of('/by-name/p3');
    is(tag('/by-name/p3', %COMPACT), qq("$state-c"), 'a hundred: also in compact form');
    $insert->(101);
    isnt(state_of('/by-name/p3'), $state, 'another state');
    is(tag('/by-name/p3', %COMPACT), undef, 'more: no tag in compact form');
    is(tag('/by-name/p3', 'Clusto-Contents' => 'none'), undef, '... nor without contents');
    is(tag('/attribute/p3'), undef, '... nor of the attributes');
    done('... and If-None-Match is no harm', 200, GET => '/attribute/p3', headers => { 'If-None-Match' => '"x"' });
    is(tag('/attribute/p3/_contains'), '"' . state_of('/by-name/p3') . '-a"', '... but of those that are the members');
    my $attrs = sub { return [ map { "$_->{key}=$_->{value}" } $client->get($_[0])->{json}->@* ] };
    is_deeply($attrs->('/attribute/p3'), [], 'no attributes but the members');
    done('some attributes', 201, POST => '/attribute/p3', json => [ map { { key => $_, value => 'x' } } qw(A a z) ]);
    sql("insert into entity_attrs (entity_id, datatype, string_value, version) select entity_id, 'string', 'x', 1 from entities where name = 'p3'");
    is_deeply([ sort $attrs->('/attribute/p3')->@* ], [qw(=x A=x a=x z=x)], 'whatever their keys');
    is_deeply($attrs->('/attribute/p3/z'), ['z=x'], 'one of them');
    is(scalar $client->get('/by-name/p3', headers => { 'Clusto-Contents' => 'none' })->{json}{attrs}->@*, 4, '... also in whole objects');
    $insert->(102 .. 3000);
    my $answer = $client->get('/by-name/p3');
    cmp_ok(length $answer->{body}, '>', 70_000, 'too long to be held back');
    done("unchanged, $_", 304, GET => '/by-name/p3', headers => { 'If-None-Match' => $answer->{headers}{etag} }) for 1 .. 3;
    my $served = $client->metric('cache_served_total');
    done('unchanged', 304, GET => '/by-name/p3', headers => { 'If-None-Match' => $answer->{headers}{etag} });
    is($client->metric('cache_served_total') - $served, 1, 'out of the cache');
    done('If-Match', 200, GET => '/by-name/p3', headers => { 'If-Match' => $answer->{headers}{etag}, 'Clusto-Mode' => 'compact' });
    done('If-Match of another state', 412, GET => '/by-name/p3', headers => { 'If-Match' => '"x"', 'Clusto-Mode' => 'compact' });
    sql("update entities set name = 'renamed' where name = 'member7'");
    done('the name of a member', 200, GET => '/by-name/p3', headers => { 'If-None-Match' => $answer->{headers}{etag} });
};

my @changes = (
    [ 200, PUT    => '/attribute/web3/colour', { value => 'red' }, '/attribute/web3' ],
    [ 201, POST   => '/attribute/web3', { key => 'note', value => 'x' }, '/by-name/web3' ],
    [ 201, POST   => '/attribute/web3/more', { value => 'x' }, '/entity/basicserver/web3' ],
    [ 200, DELETE => '/attribute/web3/colour', undef, '/attribute/web3/note' ],
    [ 200, POST   => '/entity/pool/p1', { action => 'insert', device => 'web3' }, '/by-name/p1' ],
    [ 200, POST   => '/entity/pool/p1', { action => 'remove', device => 'web3' }, '/by-name/p1' ],
    [ 200, POST   => '/entity/basicrack/rack1', { action => 'insert', device => 'web3', rackU => 3 }, '/by-name/rack1' ],
    [ 200, POST   => '/entity/basicrack/rack1', { action => 'move', device => 'web3', rackU => 4 }, '/by-name/rack1' ],
    [ 201, POST   => '/resourcemanager/ipmanager/lan', { object => 'web3' }, '/resourcemanager/ipmanager/lan' ],
    [ 204, DELETE => '/resourcemanager/ipmanager/lan', { object => 'web3' }, '/by-name/lan' ],
    [ 200, POST   => '/entity/basicserver/web3/ports', { action => 'connect', type => 'pwr-nema-5', number => 1, to => 'web4', to_number => 1 }, '/by-name/web3' ],
    [ 200, POST   => '/entity/basicserver/web3/ports', { action => 'disconnect', type => 'pwr-nema-5', number => 1 }, '/by-name/web3' ],
    [ 204, DELETE => '/entity/basicserver/web9', undef, '/by-name/web9' ],
);

subtest 'If-Match' => sub {
    for my $change (@changes) {
        my ($status, $method, $path, $form, $shown) = @$change;
        my $what   = "$method $path @{[ %{ $form // {} } ]}";
        my @form   = $form ? (form => $form) : ();
        my $before = everything();
        my $etag   = tag($shown);
        my $state  = $etag =~ s/-\w+"$//r;
        my $no     = done("$what: another state", 412, $method, $path, @form, headers => { 'If-Match' => '"AAAAAAAAAAAAAAAA-e"' });
        like($no->{headers}{etag}, qr/^\Q$state\E-[ea]"$/, '... with the current tag');
        like($no->{json}, qr/^Precondition failed for /, '... says so');
        is($no->{headers}{'clusto-version'}, undef, '... and no version');
        for my $bad (qq("$state"), "$state\"", '"' . substr($etag, 1, 15) . '-e"') {
            done("$what: what is no tag of it: $bad", $bad =~ /^"[^"]*"$/ ? 412 : 400, $method, $path, @form, headers => { 'If-Match' => $bad });
        }
        done("$what: If-None-Match: *", 412, $method, $path, @form, headers => { 'If-None-Match' => '*' });
        done("$what: If-None-Match with its state", 412, $method, $path, @form, headers => { 'If-None-Match' => $etag });
        is(everything(), $before, '... nothing was done');
        my $form_of_tag = ("$state-c\"", "$state-em\"", "W/$state-e\"", "$state-a-gzip\"", "\"x\", $state-en\"")[ rand 5 ];
        done("$what: $form_of_tag", $status, $method, $path, @form, headers => { 'If-Match' => $form_of_tag });
        isnt(everything(), $before, '... it was done');
        next if $method eq 'DELETE' && $path =~ m{^/entity};
        isnt(tag($shown), $etag, '... and is another state');
        done("$what: once", 412, $method, $path, @form, headers => { 'If-Match' => $etag });
    }
    done('*: it exists', 200, PUT => '/attribute/web3/colour', form => { value => 'blue' }, headers => { 'If-Match' => '*' });
    done('*: it does not', 404, PUT => '/attribute/nobody/colour', form => { value => 'blue' }, headers => { 'If-Match' => '*' });
    done('a fault counts for more', 400, PUT => '/attribute/web3/colour', form => { value => 'x', datatype => 'int' }, headers => { 'If-Match' => '"x"' });
    done('a GET', 200, GET => '/by-name/web3', headers => { 'If-Match' => tag('/by-name/web3') });
    my $no = done('a GET of another state', 412, GET => '/by-name/web3', headers => { 'If-Match' => '"x"' });
    is($no->{headers}{etag}, tag('/by-name/web3'), 'with the tag');
    done('sent twice', 400, PUT => '/attribute/web3/colour', form => { value => 'x' }, headers => [ 'If-Match' => '"x"', 'If-Match' => '*' ]);
};

subtest 'to create only' => sub {
    for my $new ([ '/entity/basicserver', 'new1' ], [ '/resourcemanager/ipmanager', 'new2' ]) {
        my ($path, $name) = @$new;
        my @request = (POST => $path, form => { name => $name }, headers => { 'If-None-Match' => '*' });
        done("$path: created", 201, @request);
        my $before = everything();
        my $again  = done('... once', 412, @request);
        is($again->{headers}{etag}, tag("/by-name/$name"), '... with the tag of what there is');
        done('... nor others beside it', 412, POST => $path, form => [ name => 'new3', name => $name ], headers => { 'If-None-Match' => '*' }) if $path =~ /entity/;
        is(everything(), $before, '... nothing was done');
        done('without the condition', 202, POST => $path, form => { name => $name });
    }
};

# What a tag stands for, as SQL sees it: every row of an object, in order. The columns with versions are left out.
my $SAYS = <<'SQL';
select e.name || ' ' || md5(concat_ws('|', e.entity_id, e.name, e.driver, e.type,
  (select string_agg(concat_ws('~', a.attr_id, a.key, coalesce(a.subkey, '(null)'), coalesce(a.number::text, '(null)'), a.datatype, a.int_value, coalesce(a.string_value, '(null)'), a.datetime_value,
      a.relation_id, r.name, r.driver, r.type), '|' order by a.attr_id)
     from entity_attrs a left join entities r on r.entity_id = a.relation_id and r.deleted_at_version is null where a.entity_id = e.entity_id and a.deleted_at_version is null),
  (select string_agg(concat_ws('~', a.attr_id, coalesce(a.subkey, '(null)'), coalesce(a.number::text, '(null)'), c.entity_id, c.name, c.driver, c.type), '|' order by a.attr_id)
     from entity_attrs a join entities c on c.entity_id = a.entity_id and c.deleted_at_version is null where a.relation_id = e.entity_id and a.key = '_contains' and a.deleted_at_version is null),
  (select count(*) from entity_attrs m where m.relation_id = e.entity_id and m.key = 'ip' and m.subkey = 'manager' and m.deleted_at_version is null and e.driver = 'ipmanager')))
from entities e where e.deleted_at_version is null and e.name ~ '^(web|p[12]|rack|lan|x)[0-9]*$'
SQL

# A write of any kind, by whoever: the service, psql in place, Python clusto in its order.
sub some_write {
    my $web   = 'web' . (1 + int rand 8);
    my $p     = 'p' . (1 + int rand 2);
    my $value = int rand 4;
    my $live  = "deleted_at_version is null";
    my $id    = sub { "(select entity_id from entities where name = '$_[0]' and $live)" };
    my @writes = (
        sub { $client->put("/attribute/$web/k$value", form => { value => $value }) },
        sub { $client->post("/attribute/$web", form => { key => 'n', value => $value, datatype => 'int' }) },
        sub { $client->post("/attribute/$web", form => { key => 'r', value => "/pool/$p", datatype => 'relation' }) },
        sub { $client->delete("/attribute/$web/k$value") },
        sub { $client->post("/entity/pool/$p", form => { action => $value ? 'insert' : 'remove', device => $web }) },
        sub { $client->post('/entity/basicrack/rack1', form => [ action => 'move', device => $web, rackU => 1 + int rand 40 ]) },
        sub { $client->post('/resourcemanager/ipmanager/lan', form => { object => $web }) },
        sub { $client->delete('/resourcemanager/ipmanager/lan', form => { object => $web }) },
        sub { sql("update entity_attrs set string_value = '$value' where entity_id = @{[ $id->($web) ]} and key like 'k%' and $live") },
        sub { sql("update entity_attrs set int_value = $value where entity_id = @{[ $id->($web) ]} and key = 'n' and $live") },
        sub { sql("update entity_attrs set subkey = case when random() < 0.5 then '' end, number = case when random() < 0.5 then 0 end where entity_id = @{[ $id->($web) ]} and key like 'k%' and $live") },
        sub { sql("update entity_attrs set number = number + 100 where entity_id = @{[ $id->($p) ]} and key = '_contains' and $live") },
        sub { sql("update entities set name = 'x$value' where name = '$p' and $live and not exists (select from entities where name = 'x$value' and $live); update entities set name = '$p' where name = 'x$value' and $live") },
        sub { sql("update entities set driver = case driver when 'pool' then 'unique_pool' else 'pool' end where name = '$p' and $live") },
        sub { sql("delete from entity_attrs where attr_id = (select attr_id from entity_attrs where entity_id = @{[ $id->($web) ]} and key ~ '^[kn]' and $live order by random() limit 1)") },
        # Python with versioning: the version, the end of the old row, the new one.
        sub { sql("begin; insert into clustoversioning (timestamp, \"user\", description) values (localtimestamp, 'python', 'set');
            update entity_attrs set deleted_at_version = currval('clustoversioning_version_seq') where entity_id = @{[ $id->($web) ]} and key = 'k$value' and $live;
            insert into entity_attrs (entity_id, key, datatype, string_value, version) select entity_id, 'k$value', 'string', '$value', currval('clustoversioning_version_seq') from entities where name = '$web' and $live; commit") },
        # Without: delete, insert, everything has the version 1.
        sub { sql("begin; delete from entity_attrs where entity_id = @{[ $id->($web) ]} and key = 'k$value';
            insert into entity_attrs (entity_id, key, datatype, string_value, version) select entity_id, 'k$value', 'string', '$value', 1 from entities where name = '$web' and $live; commit") },
    );
    $writes[ rand @writes ]->();
    return;
}

subtest 'a tag stands for what the rows say' => sub {
    my (%tag_of, %says_of, $compared, @wrong);
    for my $round (1 .. ($ENV{MUSTER_FAST} ? 40 : 150)) {
        some_write() for 1 .. 1 + int rand 3;
        for (sql($SAYS)) {
            my ($name, $says) = split / /;
            next if rand() < 0.5;
            my $header = rand() < 0.3 ? {%COMPACT} : {};
            my $answer = rand() < 0.3 ? $client->get("/attribute/$name") : $client->get("/by-name/$name", headers => $header);
            my ($state) = ($answer->{headers}{etag} // '') =~ /^"([\w-]{16})-/;
            push(@wrong, "$name has no tag: $answer->{status}"), next if !defined $state;
            $compared++;
            push @wrong, "$name: the state $state of two" if ($says_of{$state} //= $says) ne $says;
            push @wrong, "$name: two tags of one state, $state" if ($tag_of{$says} //= $state) ne $state;
        }
    }
    diag "$compared compared, @{[ scalar keys %says_of ]} states";
    is(join("\n", @wrong), '', 'two states never share a tag, and one state has one tag');
    cmp_ok(scalar keys %says_of, '>', $ENV{MUSTER_FAST} ? 30 : 100, 'there were many states');
};

subtest 'races' => sub {
    my $CLIENTS = 4;
    my $rounds  = int $RACES / $CLIENTS + 1;
    done('a counter', 201, POST => '/attribute/web1', form => { key => 'race', value => 0, datatype => 'int' });
    done('a pool to race for', 201, POST => '/entity/pool', form => { name => 'racers' });
    my $version = sql('select count(*) from clustoversioning');
    # Each adds one to what it has read, as long as nobody was faster.
    my @counts = parallel($CLIENTS, sub {
        my ($me) = @_;
        my $c    = $world->front->client;
        my ($won, $lost, $other, $tries) = (0, 0, 0, 0);
        while ($won < $rounds && $tries++ < 100 * $rounds) {
            my $seen   = $c->get('/attribute/web1/race');
            my %only   = (headers => { 'If-Match' => $seen->{headers}{etag} });
            my $answer = $c->put('/attribute/web1/race', form => { value => $seen->{json}[0]{value} + 1, datatype => 'int' }, %only);
            $answer->{status} == 200 ? $won++ : $answer->{status} == 412 ? $lost++ : $other++;
        }
        return [ $won, $lost, $other ];
    }, timeout => 300);
    my ($won, $lost, $other) = (0, 0, 0);
    for (@counts) { $won += $_->[0], $lost += $_->[1], $other += $_->[2] }
    diag "$won won, $lost lost";
    is($other, 0, 'each was told one or the other');
    is($client->get('/attribute/web1/race')->{json}[0]{value}, $won, "$won of $CLIENTS clients' additions: none is lost, none counted twice");
    cmp_ok($won, '>=', $RACES, 'all were made');
    cmp_ok($lost, '>', 0, 'and some came too late');

    # Of all who start from one state exactly one wins, whatever kind of write it is.
    my @kinds = (
        sub { my ($c, $n) = @_; ($c->put('/attribute/racers/who', form => { value => "$n" }, @_[ 2 .. $#_ ])) },
        sub { my ($c, $n) = @_; ($c->post('/attribute/racers', form => { key => 'who', value => "$n" }, @_[ 2 .. $#_ ])) },
        sub { my ($c, $n) = @_; ($c->post('/entity/pool/racers', form => { action => 'insert', device => "web$n" }, @_[ 2 .. $#_ ])) },
        sub { my ($c, $n) = @_; ($c->post('/entity/pool/racers', form => { action => 'remove', device => "web$n" }, @_[ 2 .. $#_ ])) },
    );
    my @bad;
    for my $round (1 .. 25) {
        my $etag = tag('/by-name/racers');
        my @statuses = map { ref ? $_->[0] : 0 } parallel(4, sub {
            my ($me) = @_;
            return [ $kinds[ $round % 2 ? $me % 2 : 2 * ($round % 4 > 1) ]->($world->front->client, 1 + $me, headers => { 'If-Match' => $etag })->{status} ];
        });
        my $winners = grep { $_ && $_ < 300 } @statuses;
        my $losers  = grep { $_ == 412 } @statuses;
        $client->delete('/attribute/racers/who');
        $client->post('/entity/pool/racers', form => [ action => 'remove', map { (device => "web$_") } 1 .. 4 ]);
        push @bad, "round $round: @statuses" if $winners != 1 || $losers != 3;
    }
    is(join("\n", @bad), '', 'exactly one of each round');
};

$world->stop;

subtest 'require_conditions' => sub {
    my $strict = Muster::World->new(conf => { require_conditions => [ 'ann', 'robot' ], identity_param => 'HTTP_X_WHO' }, front_options => { cors => 0 });
    $client = $strict->client;
    my @as   = sub { (headers => { 'X-Who' => $_[0], @_[ 1 .. $#_ ] }) };
    my $as   = $as[0];
    my @form = (form => { value => 'x' });
    my $path = '/attribute/testserver1/note';
    my $answer = done('ann without a condition', 428, PUT => $path, @form, $as->('ann'));
    like($answer->{json}, qr/If-Match/, 'says what to send');
    done('... with another state', 412, PUT => $path, @form, $as->('ann', 'If-Match' => '"x"'));
    done('... with the state', 200, PUT => $path, @form, $as->('ann', 'If-Match' => $client->get('/by-name/testserver1')->{headers}{etag}));
    done('... with *', 200, DELETE => $path, $as->('ann', 'If-Match' => '*'));
    done('... to delete', 428, DELETE => '/entity/basicserver/testserver1', $as->('robot'));
    done('... to read', 200, GET => '/by-name/testserver1', $as->('ann'));
    done('... to create', 201, POST => '/entity/basicserver', form => { name => 'fresh' }, $as->('ann'));
    done('... preferences have rules of their own', 204, POST => '/preferences/box', headers => { 'X-User-Id' => 'ann', 'X-Who' => 'ann' });
    done('bob', 200, PUT => $path, @form, $as->('bob'));
    done('nobody', 200, PUT => $path, @form);
    $strict->stop;
};

done_testing;
