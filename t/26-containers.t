# 26-containers.t: questions about few containers and about many, which /query answers by different statements:
# around the limit between the two, each form of a response beside what the test itself knows.
use v5.24;
use warnings;
use Muster::World;
use Test::More;

my $SERVERS = 60;
my $world   = Muster::World->new(data => 0, conf => { workers => 1, query_devices => 100 });
my $client  = $world->client;
my $pg      = $world->postgres;

# flatN: N pools side by side, by their prefix. treeN: one pool with N - 1 others in it, up to three in each.
# Pool k of either has the server k, counted round; each pool of flatN the server 1, too. flat20 has a pool
# that is gone besides, and one that is called so but is a rack; ring21 is a circle.
my @COUNTS = (1, 19, 20, 21, 22, 1000);
$pg->psql("insert into entities (name, type, driver, version) select 's' || n, 'server', 'basicserver', 1 from generate_series(1, $SERVERS) n");
for my $count (@COUNTS) {
    $pg->psql(<<"END");
insert into entities (name, type, driver, version) select kind || '$count.' || n, 'pool', 'pool', 1 from unnest(array['flat', 'tree']) kind cross join generate_series(1, $count) n;
create temporary table pools as select name, entity_id, split_part(name, '.', 2)::integer as n from entities where name like any(array['flat$count.%', 'tree$count.%']);
insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select p.entity_id, '_contains', 0, 'relation', s.entity_id, 1 from pools p join entities s on s.name = 's' || (p.n - 1) % $SERVERS + 1
    union all select p.entity_id, '_contains', 1, 'relation', s.entity_id, 1 from pools p join entities s on s.name = 's1' where p.n > 1 and p.name like 'flat%'
    union all select p.entity_id, '_contains', 2, 'relation', c.entity_id, 1 from pools p join pools c on c.n > 1 and (c.n + 1) / 3 = p.n
        where p.name like 'tree%' and c.name like 'tree%';
END
}
$pg->psql(<<'END');
insert into entities (name, type, driver, version, deleted_at_version) values ('flat20.gone', 'pool', 'pool', 1, 1);
insert into entities (name, type, driver, version) values ('flat20.rack', 'rack', 'basicrack', 1), ('out', 'pool', 'pool', 1);
insert into entities (name, type, driver, version) select 'ring21.' || n, 'pool', 'pool', 1 from generate_series(1, 21) n;
insert into entity_attrs (entity_id, key, number, datatype, relation_id, version)
    select p.entity_id, '_contains', 0, 'relation', c.entity_id, 1 from entities p join entities c
        on c.name = 'ring21.' || split_part(p.name, '.', 2)::integer % 21 + 1 where p.name like 'ring21.%'
    union all select p.entity_id, '_contains', 1, 'relation', s.entity_id, 1 from entities p join entities s on s.name = 's' || split_part(p.name, '.', 2) where p.name like 'ring21.%'
    union all select p.entity_id, '_contains', 0, 'relation', s.entity_id, 1 from entities p join entities s on s.name = 's60' where p.name in ('flat20.gone', 'flat20.rack');
END

sub first_servers { my ($count) = @_; return map { "s$_" } 1 .. ($count < $SERVERS ? $count : $SERVERS) }

sub ask {
    my ($q, $headers, %more) = @_;
    return $client->get('/query', query => { q => $q, %more }, headers => $headers);
}

# All pages after one another: what $names finds in each response.
sub walk {
    my ($q, $per, $names, $headers, %more) = @_;
    my ($after, @walked, $pages) = (0);
    while (defined $after) {
        my $answer = ask($q, { %$headers, 'Clusto-After' => $after, 'Clusto-Per-Page' => $per }, %more);
        return "$answer->{status} $answer->{body}" if $answer->{status} != 200 || $pages++ > 100;
        my @page = $names->($answer);
        return 'a page of ' . @page if @page > $per || (defined $answer->{headers}{'clusto-next'} && @page < $per);
        push @walked, @page;
        $after = $answer->{headers}{'clusto-next'};
    }
    return "@walked";
}

sub of_paths  { return map { s{.*/}{}r } @{ $_[0]{json} } }
sub of_fields { return map { $_->{name} } @{ $_[0]{json} } }
sub of_csv    { my (undef, @lines) = split /\r\n/, $_[0]{body}; return map { s/,.*//r } @lines }

# The question in pages, and not; of the objects only their names are looked at.
sub found_in_pages {
    my ($q, $names, $headers, @sizes) = @_;
    my $all = join ' ', @$names;
    is join(' ', of_paths(ask($q, $headers))), $all, "$q: all";
    is walk($q, $_, \&of_paths, $headers), $all, "... in pages of $_" for @sizes;
    is walk($q, 25, \&of_fields, { %$headers, 'Clusto-Mode' => 'expanded' }), $all, '... of whole objects';
    return;
}

# Every other form of a response, too.
sub found_in_all_forms {
    my ($q, $names, $headers) = @_;
    my $all = join ' ', @$names;
    found_in_pages($q, $names, $headers, 7, 50);
    is walk($q, 9, \&of_fields, $headers, fields => 'name,version'), $all, '... of columns';
    is walk($q, 9, \&of_csv, { %$headers, Accept => 'text/csv' }), $all, '... as CSV';
    is join(' ', of_csv(ask($q, { %$headers, Accept => 'text/csv' }))), $all, 'CSV of all';
    my $page = ask($q, { %$headers, 'Clusto-Page' => 1, 'Clusto-Per-Page' => 5 });
    is join(' ', of_paths($page)), join(' ', (@$names > 5 ? @$names[ 0 .. 4 ] : @$names)), 'a page by its number';
    is $page->{headers}{'clusto-pages'}, int((@$names + 4) / 5), '... of so many';
    is_deeply ask($q, $headers, count_by => 'driver')->{json}, [ @$names ? { value => 'basicserver', count => scalar @$names } : () ], 'counted';
    return;
}

my @of_all_sizes = map {
    my @names = first_servers($_);
    ("is basicserver and pool ^ flat$_." => [@names], "pool = tree$_.1 and is basicserver" => [@names], "is basicserver and within tree$_.1" => [@names])
} @COUNTS;

# Around the limit, and several tests in one question.
my @others = (
    'pool ^ ring21. and is basicserver'                                        => [ first_servers(21) ],
    'pool = ring21.9 and is basicserver'                                       => [ first_servers(21) ],
    'is basicserver and (pool ^ flat20. or pool = tree22.1)'                   => [ first_servers(22) ],
    'is basicserver and (pool ^ flat21. or pool = tree19.1)'                   => [ first_servers(21) ],
    'is basicserver and (pool = flat1.1 or pool ^ flat22. or rack = flat20.rack)' => [ first_servers(22), 's60' ],
    'pool ^ flat22. and name in (s3, s22, s23)'                                => [ 's3', 's22' ],
    'pool ^ flat22. and not pool ^ flat21. and is basicserver'                 => ['s22'],
    'directly within flat1.1'                                                  => ['s1'],
    'pool = nothing and is basicserver'                                        => [],
    'pool ^ flat1000. and name = nothing'                                      => [],
);

sub each_of {
    my ($check, @questions) = @_;
    while (my ($q, $names) = splice @questions, 0, 2) { $check->($q, $names) }
    return;
}

subtest 'now' => sub {
    each_of(sub { $_[0] =~ /1000/ ? found_in_pages(@_, {}, 25) : found_in_all_forms(@_, {}) }, @of_all_sizes, @others);
};

subtest 'devices_from' => sub {
    for my $count (@COUNTS) {
        for my $test ("pool ^ flat$count.", "pool = tree$count.1") {
            my $act = sub { return $client->post('/entity/pool/out', form => { action => $_[0], devices_from => "$test and is basicserver" }) };
            is join(' ', map { s{.*/}{}r } @{ $act->('insert')->{json}{contents} // [] }), join(' ', first_servers($count)), "$test: inserted";
            is_deeply $act->('remove')->{json}{contents}, [], '... removed';
        }
    }
};

# What is found while pools come and go: a question may become one about many between two pages.
subtest 'over the limit and back' => sub {
    my $page = sub { return ask('is basicserver and pool ^ flat20.', { 'Clusto-After' => $_[0], 'Clusto-Per-Page' => 12 }) };
    my $first = $page->(0);
    is join(' ', of_paths($first)), join(' ', first_servers(12)), 'a page of 20 pools';
    $client->post('/entity/pool',           form => { name => 'flat20.new' });
    my $put = $client->post('/entity/pool/flat20.new', form => { action => 'insert', device => 's40' });
    my $rest = [ map { "s$_" } 13 .. 20 ];
    is join(' ', of_paths($page->($first->{headers}{'clusto-next'}))), "@$rest s40", '... the next one, of 21';
    $client->request(DELETE => '/entity/pool/flat20.new');
    is join(' ', of_paths($page->($first->{headers}{'clusto-next'}))), "@$rest", '... and of 20 again';
    is walk('is basicserver and pool ^ flat20.', 7, \&of_paths, { 'Clusto-As-Of' => $put->{headers}{'clusto-version'} }), join(' ', first_servers(20), 's40'), '... and of then';
};

subtest 'as of a version' => sub {
    my $then = $client->post('/attribute/s1', form => { key => 'mark', value => 1 })->{headers}{'clusto-version'};
    for my $count (grep { $_ > 1 } @COUNTS) {
        is $client->request(DELETE => "/entity/pool/$_")->{status} =~ /^2/, 1, "$_ is deleted" for "flat$count.2", "tree$count.1";
    }
    each_of(sub { found_in_pages(@_, { 'Clusto-As-Of' => $then }, 25) if $_[0] !~ /1000/ }, @of_all_sizes, @others);
    is walk('is basicserver and pool ^ flat1000.', 50, \&of_paths, { 'Clusto-As-Of' => $then }), join(' ', first_servers(1000)), 'of 1,000 then';
    is walk("is basicserver and pool ^ flat$_.", 7, \&of_paths, {}), join(' ', grep { $_ ne q{s2} } first_servers($_)), "flat$_ now" for grep { $_ > 1 && $_ < 60 } @COUNTS;
    is walk("is basicserver and pool = tree$_.1", 7, \&of_paths, {}), '', "tree$_ now" for grep { $_ > 1 } @COUNTS;
};

$world->stop;
done_testing;
