# r001-fresh-tables.t: statements whose plans were made while the tables were empty stay quick when the
# tables have grown and the planner has not been told: names, members and attributes by the thousand.
use v5.24;
use warnings;
use Muster::World;
use Test::More;
use Time::HiRes qw(time);

my $slow  = $ENV{MUSTER_SLOW} // 1;
my $world = Muster::World->new(data => 0, conf => { workers => 1, cache_size => 0, statement_timeout => 60_000 });
my $form  = 'application/x-www-form-urlencoded';
# Autovacuum must not count the rows while this runs.
$world->postgres->psql("alter table $_ set (autovacuum_enabled = off)") for qw(entities entity_attrs counters);

# The product of rows and names takes twenty seconds and more, each by itself well below one.
sub quick {
    my ($status, $name, $method, $path, %option) = @_;
    my $t      = time;
    my $answer = $world->client->request($method, $path, %option);
    is($answer->{status}, $status, $name) or diag(substr $answer->{body}, 0, 300);
    cmp_ok(time - $t, '<', 6 * $slow, "$name: in no time");
    return $answer;
}

sub names { my ($name, @numbers) = @_; return (body => join('&', map { "$name=s$_" } @numbers), type => $form) }

# Every plan is made now.
$world->client->request(@$_) for (
    [ POST   => '/entity/pool', names('name', 'a') ],
    [ POST   => '/entity/pool', names('name', 'b') ],
    [ POST   => '/entity/pool/sa', body => 'action=insert&device=sb', type => $form ],
    [ POST   => '/entity/pool/sa', body => 'action=remove&device=sb', type => $form ],
    [ GET    => '/by-names?name=sa' ],
    [ GET    => '/by-names?name=sa', headers => { 'Clusto-Mode' => 'expanded' } ],
    [ GET    => '/entity/', headers => { 'Clusto-Mode' => 'expanded' } ],
    [ GET    => '/entity/?name=sa' ],
    [ GET    => '/from-pools?pool=sa' ],
    [ GET    => '/by-attr?key=_contains' ],
    [ POST   => '/attribute/sa', body => 'key=k&value=1', type => $form ],
    [ DELETE => '/entity/pool/sa' ],
    [ DELETE => '/entity/pool/sb' ],
);

quick(201, 'many are made',          POST => '/entity/pool', names('name', 1 .. 9000));
quick(202, 'are made again',         POST => '/entity/pool', names('name', 1 .. 9000));
quick(200, 'are asked for',          GET  => '/by-names', names('name', 1 .. 9000));
quick(200, 'as whole objects',       GET  => '/by-names', names('name', 1 .. 9000), headers => { 'Clusto-Mode' => 'expanded' });
quick(200, 'by a filter',            GET  => '/entity/', names('name', 1 .. 9000));
quick(200, 'are put into one',       POST => '/entity/pool/s1', body => join('&', 'action=insert', map { "device=s$_" } 2 .. 5000), type => $form);
quick(200, 'and into another',       POST => '/entity/pool/s9000', body => join('&', 'action=insert', map { "device=s$_" } 2 .. 5000), type => $form);
quick(200, 'one of them into this',  POST => '/entity/pool/s5000', body => 'action=insert&device=s6000', type => $form);
quick(200, 'what is in both',        GET  => '/from-pools?pool=s1&pool=s9000');
quick(200, 'all as whole objects',   GET  => '/entity/', headers => { 'Clusto-Mode' => 'expanded' });
quick(200, 'by what they contain',   GET  => '/by-attr?key=_contains');
quick(201, 'many attributes of one', POST => '/attribute/s1', body => '[' . join(',', map { qq({"key":"k$_","value":$_}) } 1 .. 5000) . ']', type => 'application/json');
quick(200, 'set again',              PUT  => '/attribute/s1/x', body => '[' . join(',', map { qq({"key":"k$_","value":"v$_"}) } 1 .. 5000) . ']', type => 'application/json');
quick(200, 'are taken out',          POST => '/entity/pool/s1', body => join('&', 'action=remove', map { "device=s$_" } 2 .. 5000), type => $form);
quick(204, 'one that holds many goes', DELETE => '/entity/pool/s9000');

$world->stop;
done_testing();
