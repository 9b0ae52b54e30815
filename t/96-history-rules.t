#!/usr/bin/perl
# 96-history-rules.t: POST /revert, rule by rule: what is undone, what stands against it and which version did that.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Muster::Client qw(parallel);
use Muster::World;

my $world  = Muster::World->new(data => 0, conf => { workers => 8 });
my $pg     = $world->postgres;
my $client = $world->client;

sub sql { return $pg->psql($_[0]) }

my $last = 0;

# A write; its version.
sub made {
    my ($answer) = @_;
    $answer->{status} =~ /^20/ or fail("a write: $answer->{status} $answer->{body}");
    return $last = $answer->{headers}{'clusto-version'} // $last;
}

sub past { sql("begin; $_[0]; commit"); return $last = sql('select max(version) from clustoversioning') }

sub server { made($client->post('/entity/basicserver', form => [ map { (name => $_) } @_ ])); return }
sub set    { my ($name, $path, $value) = @_; return made($client->put("/attribute/$name/$path", form => { value => $value })) }
sub put_in { my ($driver, $name, $device, @more) = @_; return made($client->post("/entity/$driver/$name", form => [ action => 'insert', device => $device, @more ])) }
sub take_out { my ($driver, $name, $device) = @_; return made($client->post("/entity/$driver/$name", form => [ action => 'remove', device => $device ])) }
sub gone   { my ($driver, $name) = @_; return made($client->delete("/entity/$driver/$name")) }
sub show   { return $client->get("/by-name/$_[0]")->{json} }
sub id     { return scalar sql("select entity_id from entities where name = '$_[0]' and deleted_at_version is null") }

# Everything that is live, by names.
sub state_of {
    return join "\n", sort(sql("select format('/%s/%s', driver, name) from entities where deleted_at_version is null"),
        sql("select format('%s %s.%s:%s %s', e.name, key, subkey, number, coalesce(string_value, int_value::text, t.name)) from entity_attrs a
            join entities e using (entity_id) left join entities t on t.entity_id = a.relation_id where a.deleted_at_version is null and key <> '_lastip'"));
}

sub reverted {
    my ($what, $form, $before) = @_;
    my $answer = $client->post('/revert', form => $form);
    is $answer->{status}, 200, "$what: done" or diag $answer->{body};
    is state_of(), $before, "$what: as before" if defined $before;
    $last = $answer->{headers}{'clusto-version'} // $last;
    return $answer->{json};
}

sub refused {
    my ($what, $form, $status, $text, $conflicts) = @_;
    my $before = state_of() . sql('select max(version) from clustoversioning');
    my $answer = $client->post('/revert', form => $form);
    is $answer->{status}, $status, "$what: $status" or diag $answer->{body};
    like $answer->{json}, ref $text ? $text : qr/^\Q$text\E$/, "$what: says why";
    $conflicts = defined $conflicts ? ref $conflicts ? $conflicts : qr/^$conflicts$/ : qr/^none$/;
    like $answer->{headers}{'clusto-conflicts'} // 'none', $conflicts, "$what: which versions are in the way";
    is state_of() . sql('select max(version) from clustoversioning'), $before, "$what: nothing is done";
    return $answer;
}

# --- what is undone

subtest 'attributes' => sub {
    server('a');
    my $v1 = set('a', 'k', 'x');
    my $before = state_of();
    my $v2 = set('a', 'k', 'y');
    my $json = reverted('a changed attribute', { version => $v2 }, $before);
    is_deeply $json, { objects => [ { attrs => [ { after => { datatype => 'string', value => 'x' }, before => { datatype => 'string', value => 'y' }, key => 'k', number => undef, subkey => undef } ],
        change => 'changed', id => id('a') + 0, object => '/basicserver/a' } ], reverted => $v2 + 0, version => $last + 0 }, 'what was done is shown';
    is sql("select description from clustoversioning where version = $last"), 'POST /revert', 'in a version like any other';
    reverted('the revert', { version => $last });
    is show('a')->{attrs}[0]{value}, 'y', 'is reverted, too';
    $before = state_of();
    my $v3 = made($client->delete('/attribute/a/k'));
    reverted('a deleted attribute', { version => $v3 }, $before);
    my $answer = $client->post('/revert', form => { version => $last, dry_run => 'true' });
    is $answer->{status}, 200, 'a dry run';
    is $answer->{headers}{'clusto-version'}, undef, 'makes no version';
    is_deeply [ map { $_->{after} } @{ $answer->{json}{objects}[0]{attrs} } ], [undef], 'shows what would be done';
    is state_of(), $before, 'and does nothing';
};

subtest 'objects' => sub {
    my $before = state_of();
    server('o1', 'o2');
    my $v = $last;
    reverted('created objects', { version => $v }, $before);
    server('o3');
    made($client->post('/entity/pool', form => { name => 'op' }));
    put_in('pool', 'op', 'o3');
    set('o3', 'k', 'x');
    made($client->put('/attribute/a/ref', type => 'application/json', body => '{"datatype": "relation", "value": "/basicserver/o3"}'));
    $before = state_of();
    my $id = id('o3');
    $v = gone('basicserver', 'o3');
    my $json = reverted('a deleted object', { version => $v }, $before);
    isnt id('o3'), $id, 'comes back under a new id';
    is_deeply [ map { "$_->{change} $_->{object}" } @{ $json->{objects} } ], [ 'changed /basicserver/a', 'changed /pool/op', 'created /basicserver/o3' ], 'with what referred to it';
    reverted('its return', { version => $last });
    is $client->get('/by-name/o3')->{status}, 404, 'is undone';
    reverted('and that', { version => $last }, $before);
    $v = gone('pool', 'op');
    reverted('a deleted container', { version => $v }, $before);
    server('o4');
    put_in('pool', 'op', 'o4');
    is sql("select max(number) from entity_attrs a join entities e using (entity_id) where e.name = 'op' and a.key = '_contains' and a.deleted_at_version is null"), 1, 'goes on numbering its members';
};

subtest 'names and drivers' => sub {
    server('n1', 'n2');
    my $before = state_of();
    reverted('a name', { version => past("update entities set name = 'n3' where name = 'n1'") }, $before);
    reverted('a driver', { version => past("update entities set driver = 'basicvirtualserver' where name = 'n1'") }, $before);
    reverted('names that were swapped', { version => past("update entities set name = 'tmp' where name = 'n1'; update entities set name = 'n1' where name = 'n2'; update entities set name = 'n2' where name = 'tmp'") }, $before);
    reverted('another in the place of one', { version => past("update entities set name = 'n4' where name = 'n1'; insert into entities(name, type, driver, version) values ('n1', 'server', 'basicserver', 1)") }, $before);
};

subtest 'what others did' => sub {
    server('w1', 'w2');
    set('w1', 'k', 'x');
    my $before = state_of();
    reverted('a value in place', { version => past("update entity_attrs set string_value = 'z' where key = 'k' and deleted_at_version is null and entity_id = @{[ id('w1') ]}") }, $before);
    reverted('a row that was erased', { version => past("delete from entity_attrs where key = 'k' and entity_id = @{[ id('w1') ]}") }, $before);
    reverted('a row with the number of another', { version => past("insert into entity_attrs(entity_id, key, datatype, string_value, version) values (@{[ id('w2') ]}, 'k', 'string', 'f', 1)") }, $before);
    reverted('an object that was erased', { version => past("delete from entity_attrs where entity_id = @{[ id('w1') ]}; delete from entities where name = 'w1'") }, $before);
};

# --- what stands against it

subtest 'rules 1 and 2: attributes' => sub {
    server('r1');
    my $v1 = set('r1', 'k', 'x');
    my $v2 = set('r1', 'k', 'y');
    my $v3 = set('r1', 'k', 'z');
    refused('what was ended since', { version => $v2 }, 409, "Version $v2 can't be reverted: /basicserver/r1 k: ended since (version $v3); /basicserver/r1 k: set since (version $v3).", $v3);
    my $v4 = made($client->delete('/attribute/r1/k'));
    refused('the version in the way is the latest', { version => $v2 }, 409, qr/k: ended since \(version $v3\); .*k: set since \(version $v4\)/, "$v3,$v4");
    my $v5 = set('r1', 'k', 'new');
    refused('what was set since', { version => $v4 }, 409, "Version $v4 can't be reverted: /basicserver/r1 k: set since (version $v5).", $v5);
    my $v6 = made($client->delete('/attribute/r1/k'));
    refused('and is gone again', { version => $v4 }, 409, qr/k: set since \(version $v6\)/, $v6);
    my $v7 = set('r1', 'other', 1);
    my $before = state_of();
    my $v8 = set('r1', 'k', 'last');
    set('r1', 'other', 2);
    reverted('other keys are in no way', { version => $v8 });
    refused('twice', { version => $v8 }, 409, "Version $v8 can't be reverted: /basicserver/r1 k: ended since (version $last).", $last);
    my $many = made($client->post('/entity/basicserver', form => [ map { (name => "m$_") } 1 .. 12 ]));
    my @later = map { set("m$_", 'k', 1) } 1 .. 12;
    my $answer = refused('many conflicts', { version => $many }, 409, qr/^Version $many can't be reverted: (?:\S+ k: used since \(version \d+\); ){10}and more\.$/, join ',', @later);
};

subtest 'rule 3: objects that it created' => sub {
    server('c1');
    my $v1 = $last;
    my $v2 = set('c1', 'k', 1);
    refused('used since', { version => $v1 }, 409, "Version $v1 can't be reverted: /basicserver/c1 k: used since (version $v2).", $v2);
    my $v3 = made($client->delete('/attribute/c1/k'));
    my $v4 = made($client->put('/attribute/a/ref2', type => 'application/json', body => '{"datatype": "relation", "value": "/basicserver/c1"}'));
    refused('referred to since', { version => $v1 }, 409, "Version $v1 can't be reverted: /basicserver/c1: referred to since (version $v4).", $v4);
    made($client->delete('/attribute/a/ref2'));
    my $dead = $client->post('/revert', form => { version => $v1, dry_run => 1 });
    is $dead->{status}, 200, 'what is over is in no way';
    my $name = past("update entities set driver = 'basicvirtualserver' where name = 'c1'");
    refused('of another driver since', { version => $v1 }, 409, "Version $v1 can't be reverted: /basicvirtualserver/c1: renamed since (version $name).", $name);
    reverted('which is undone', { version => $name });
    refused('but not forgotten', { version => $v1 }, 409, qr/renamed since \(version $last\)/, qr/$last$/);
    my $v5 = gone('basicserver', 'c1');
    refused('deleted since', { version => $v1 }, 409, "Version $v1 can't be reverted: /basicserver/c1: deleted since (version $v5).", $v5);
    made($client->post('/resourcemanager/ipmanager', form => { name => 'cm', baseip => '10.1.0.0', netmask => '24' }));
    my $m = $last;
    server('c2');
    made($client->post('/resourcemanager/ipmanager/cm', form => { object => 'c2' }));
    refused('a manager that has given something', { version => $m }, 409, qr/referred to since \(version $last\)/, $last);
    made($client->delete('/resourcemanager/ipmanager/cm', form => { object => 'c2' }));
    reverted('and was given it back', { version => $m });
    is sql("select count(*) from entity_attrs a join entities e using (entity_id) where e.name = 'cm' and a.deleted_at_version is null"), 0, 'leaves nothing behind';
};

subtest 'rule 4: objects that it deleted' => sub {
    server('d1', 'd2');
    made($client->put('/attribute/d1/ref', type => 'application/json', body => '{"datatype": "relation", "value": "/basicserver/d2"}'));
    my $v1 = gone('basicserver', 'd1');
    server('d1');
    refused('the name is taken', { version => $v1 }, 409, "Version $v1 can't be reverted: /basicserver/d1: the name is taken (version $last).", $last);
    gone('basicserver', 'd1');
    server('d3');
    my $v2 = past("update entities set name = 'd1' where name = 'd3'");
    refused('by one that was renamed', { version => $v1 }, 409, qr/the name is taken \(version $v2\)/, $v2);
    past("update entities set name = 'd3' where name = 'd1' and deleted_at_version is null");
    my $v3 = gone('basicserver', 'd2');
    refused('what it refers to was deleted', { version => $v1 }, 409, "Version $v1 can't be reverted: /basicserver/d1 ref: refers to what was deleted (version $v3).", $v3);
    reverted('in the right order', { version => $v3 });
    server('d5');
    set('d5', 'k', 1);
    my $v4 = made($client->delete('/attribute/d5/k'));
    my $v5 = gone('basicserver', 'd5');
    refused('its object was deleted', { version => $v4 }, 409, "Version $v4 can't be reverted: /basicserver/d5: the object was deleted (version $v5).", $v5);
};

subtest 'rule 5: names' => sub {
    server('e1');
    my $v1 = past("update entities set name = 'e2' where name = 'e1'");
    server('e1');
    refused('the name is taken', { version => $v1 }, 409, "Version $v1 can't be reverted: /basicserver/e2: the name is taken (version $last).", $last);
    gone('basicserver', 'e1');
    my $v2 = past("update entities set name = 'e3' where name = 'e2'");
    refused('renamed since', { version => $v1 }, 409, "Version $v1 can't be reverted: /basicserver/e3: renamed since (version $v2).", $v2);
    my $v3 = gone('basicserver', 'e3');
    refused('deleted since', { version => $v2 }, 409, "Version $v2 can't be reverted: /basicserver/e3: deleted since (version $v3).", $v3);
};

subtest 'rule 6: addresses, resources, units' => sub {
    server('f1', 'f2');
    made($client->post('/resourcemanager/ipmanager', form => { name => 'net', baseip => '10.2.0.0', netmask => '24' }));
    made($client->post('/resourcemanager/ipmanager/net', form => { object => 'f1', resource => '10.2.0.9' }));
    my $before = state_of();
    my $v1 = made($client->delete('/resourcemanager/ipmanager/net', form => { object => 'f1' }));
    made($client->post('/resourcemanager/ipmanager/net', form => { object => 'f2', resource => '10.2.0.9' }));
    refused('an address', { version => $v1 }, 409, qr/^Version $v1 can't be reverted: \/basicserver\/f1 ip:\d+: the address is taken \(version $last\)\.$/, $last);
    reverted('the taking', { version => $last });
    reverted('the giving back', { version => $v1 }, $before);
    is $client->post('/resourcemanager/ipmanager/net', form => { object => 'f2', resource => '10.2.0.9' })->{status}, 409, 'is taken again';

    made($client->post('/resourcemanager/simplenamemanager', form => { name => 'names', basename => 'x', digits => 2 }));
    made($client->post('/resourcemanager/simplenamemanager/names', form => { object => 'f1', resource => 'x07' }));
    my $v2 = made($client->delete('/resourcemanager/simplenamemanager/names', form => { object => 'f1' }));
    made($client->post('/resourcemanager/simplenamemanager/names', form => { object => 'f2', resource => 'x07' }));
    refused('a name that was given', { version => $v2 }, 409, qr/simplename:\d+: the resource is given \(version $last\)/, $last);

    made($client->post('/entity/basicrack', form => { name => 'rack' }));
    put_in('basicrack', 'rack', 'f1', rackU => 3, rackU => 4);
    $before = state_of();
    my $v3 = take_out('basicrack', 'rack', 'f1');
    put_in('basicrack', 'rack', 'f2', rackU => 4);
    refused('a unit', { version => $v3 }, 409, qr/rack _contains\.ru:4: set since \(version $last\).*the unit is occupied \(version $last\)/, $last);
    take_out('basicrack', 'rack', 'f2');
    put_in('basicrack', 'rack', 'f1', rackU => 7);
    refused('elsewhere in the rack', { version => $v3 }, 409, qr/inserted again \(version $last\)/, qr/$last$/);
};

subtest 'rule 7: containers' => sub {
    server('g1');
    made($client->post('/entity/pool', form => [ name => 'gp', name => 'gq' ]));
    made($client->post('/entity/unique_pool', form => [ name => 'gu', name => 'gv' ]));
    put_in('pool', 'gp', 'g1');
    my $v1 = take_out('pool', 'gp', 'g1');
    put_in('pool', 'gp', 'g1');
    refused('a member twice', { version => $v1 }, 409, qr/^Version $v1 can't be reverted: \/pool\/gp _contains:0: inserted again \(version $last\)\.$/, $last);
    put_in('unique_pool', 'gu', 'g1');
    my $v2 = take_out('unique_pool', 'gu', 'g1');
    put_in('unique_pool', 'gv', 'g1');
    refused('two unique pools', { version => $v2 }, 409, 'A rule of containers would be broken: /basicserver/g1 is in more than one unique pool: /unique_pool/gu, /unique_pool/gv.', undef);
    put_in('pool', 'gp', 'gq');
    my $v3 = take_out('pool', 'gp', 'gq');
    put_in('pool', 'gq', 'gp');
    refused('a circle', { version => $v3 }, 409, qr{^A rule of containers would be broken: /pool/g[pq] contains itself\.$}, undef);
    made($client->post('/entity/exclusive_pool', form => { name => 'gx' }));
    server('g2');
    put_in('exclusive_pool', 'gx', 'g2');
    my $v4 = take_out('exclusive_pool', 'gx', 'g2');
    put_in('pool', 'gp', 'g2');
    refused('an exclusive pool', { version => $v4 }, 409, qr{^A rule of containers would be broken: /basicserver/g2 is in an exclusive pool and in others: }, undef);
    made($client->post('/entity/basicrack', form => [ name => 'gr', name => 'gs' ]));
    server('g3');
    put_in('basicrack', 'gr', 'g3', rackU => 1);
    my $v5 = take_out('basicrack', 'gr', 'g3');
    put_in('basicrack', 'gs', 'g3', rackU => 1);
    refused('two racks', { version => $v5 }, 409, 'A rule of containers would be broken: /basicserver/g3 is in more than one rack: /basicrack/gr, /basicrack/gs.', undef);
    my $v6 = past("update entities set driver = 'pool' where name = 'gu'");
    put_in('pool', 'gu', 'g1');
    refused('a driver', { version => $v6 }, 409, qr/is in more than one unique pool/, undef);
    is sql("select driver from entities where name = 'gu' and deleted_at_version is null"), 'pool', 'stays';
};

# --- an object to a point in time

subtest 'an object' => sub {
    server('h1', 'h2');
    my $then = set('h1', 'k', 'x');
    my $before = state_of();
    set('h1', 'k', 'y');
    set('h1', 'l', 'new');
    my $json = reverted('back to a version', { object => 'h1', to => $then }, $before);
    is $json->{reverted}, $then, 'which is said';
    is_deeply [ map { $_->{object} } @{ $json->{objects} } ], ['/basicserver/h1'], 'with what was done';
    my ($time) = sql("select to_char(muster_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US') from clustoversioning where version = $then");
    set('h1', 'k', 'z');
    reverted('back to a time', { object => 'h1', to => "${time}Z" }, $before);
    $json = reverted('what is so already', { object => 'h1', to => $then }, $before);
    is_deeply $json, { objects => [], reverted => $then + 0, version => undef }, 'makes no version';

    my $ref = made($client->put('/attribute/h1/ref', type => 'application/json', body => '{"datatype": "relation", "value": "/basicserver/h2"}'));
    made($client->delete('/attribute/h1/ref'));
    my $gone = gone('basicserver', 'h2');
    refused('what it referred to is gone', { object => 'h1', to => $ref }, 409, "The object can't be brought back to version $ref: /basicserver/h1 ref: refers to what was deleted (version $gone).", $gone);
    my $old = $last;
    server('h3');
    refused('before it was there', { object => 'h3', to => $old }, 409, "The object can't be brought back to version $old: it was created since (version $last).", $last);
    refused('one that is not there', { object => 'nobody', to => $old }, 404, 'Object "nobody" not found (nobody does not exist.)', undef);

    made($client->post('/entity/unique_pool', form => [ name => 'hu', name => 'hv' ]));
    my $in = put_in('unique_pool', 'hu', 'h3');
    take_out('unique_pool', 'hu', 'h3');
    put_in('unique_pool', 'hv', 'h3');
    refused('its contents', { object => 'hu', to => $in }, 409, qr/^A rule of containers would be broken: .*more than one unique pool/, undef);
    made($client->post('/resourcemanager/ipmanager/net', form => { object => 'h3', resource => '10.2.0.77' }));
    my $ip = $last;
    made($client->delete('/resourcemanager/ipmanager/net', form => { object => 'h3' }));
    made($client->post('/resourcemanager/ipmanager/net', form => { object => 'h1', resource => '10.2.0.77' }));
    refused('its address', { object => 'h3', to => $ip }, 409, qr/the address is taken \(version $last\)/, $last);
};

# --- requests

subtest 'refused' => sub {
    my $latest = sql('select max(version) from clustoversioning');
    my $next   = sql('select last_value from clustoversioning_version_seq') + 10;
    refused('nothing', {}, 412, 'Provide the "version" to revert, or an "object" and "to"', undef);
    refused('an object alone', { object => 'a' }, 412, 'Provide the version or time "to" which the object goes back', undef);
    refused('both', { version => 2, object => 'a' }, 400, 'Name either "version", or "object" and "to".', undef);
    refused('no number', { version => 'x' }, 400, q{"version" must be a number from 1 to 2147483647, not 'x'.}, undef);
    refused('the future', { version => $next }, 400, "Version $next is not there yet; the latest is $latest.", undef);
    refused('no time', { object => 'a', to => 'x' }, 400, q{"to" must be a version, a time as 2026-11-25T14:00:00Z, or "now", not 'x'}, undef);
    refused('an unknown parameter', { version => 2, force => 1 }, 400, 'Unknown parameter "force". Please choose from: version, object, to, dry_run.', undef);
    refused('clustometa', { version => 1 }, 409, qr/^(?:clustometa cannot be created or deleted|Version 1 can't)/, undef);
    is $client->get('/revert')->{status}, 405, 'only POST';
};

subtest 'a write under way' => sub {
    my $v   = set('a', 'held', 1);
    my $end = $pg->hold("insert into clustoversioning(description) values ('slow')");
    my $w   = set('a', 'held', 2);
    my $answer = $client->post('/revert', form => { version => $w });
    is_deeply [ $answer->{status}, $answer->{json}, $answer->{headers}{'clusto-settled'} ], [ 503, "Version $w is not settled: an earlier write is still under way.", $v ], 'is waited for';
    $end->();
    reverted('after its end', { version => $w });
};

# Of many that revert the same version one does it, whatever is written meanwhile.
subtest 'at once' => sub {
    for my $round (1 .. 5) {
        my $v = set('a', 'race', "x$round");
        my @status = parallel(6, sub { return $world->front->client->post('/revert', form => { version => $v })->{status} });
        is join(' ', sort @status), '200 409 409 409 409 409', 'once';
        my $w = gone('basicserver', 'g3');
        @status = parallel(6, sub { my ($n) = @_; my $c = $world->front->client; return ($n % 2 ? $c->post('/revert', form => { version => $w }) : $c->post('/entity/basicserver', form => { name => 'g3' }))->{status} });
        is scalar(sql("select count(*) from entities where name = 'g3' and deleted_at_version is null")), 1, 'a name is there once';
    }
};

subtest 'the floor' => sub {
    my $v = set('a', 'floor', 1);
    my $w = set('a', 'floor', 2);
    sql("update muster_floor set exact = $w");
    refused('what may not be all', { version => $w }, 409, "Version $w can't be reverted: what was written up to version $w may not all be known.", undef);
    sql("update muster_floor set exact = $v");
    reverted('what is', { version => $w });
    refused('an object to before', { object => 'a', to => $v - 1 }, 409, qr/^The object can't be brought back to version @{[ $v - 1 ]}: what was written up to version \d+ may not all be known\.$/, undef);
    my $x = set('a', 'floor', 3);
    sql("update muster_floor set oldest = $x, exact = $x");
    my $answer = refused('what is not kept', { version => $w }, 410, qr/^Version $w is not kept any more; the oldest is $x\.$/, undef);
    is $answer->{headers}{'clusto-oldest'}, $x, 'says since when it is';
    sql("update muster_floor set oldest = 0, exact = 0");
};

$world->stop;
done_testing;
