# 89-shards.t: preferences in two databases, as etc/nginx-shards.conf divides the users: each is in one of them, always
# the same, and when one is away its users alone get 503.
use v5.24;
use warnings;
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(slurp source_dir);
use Muster::Server;
use Test::More;

my $USERS    = 60;
my $postgres = Muster::Postgres->new;
$postgres->psql('create database second', database => 'postgres');
my @databases = qw(muster second);
my @servers   = map { Muster::Server->new(conninfo => $postgres->conninfo($_), conf => { workers => 1 }) } @databases;
my $sample    = slurp(source_dir() . '/etc/nginx-shards.conf');
for my $i (0, 1) {
    is($sample =~ s{/run/muster/shard$i\.sock}{$servers[$i]{socket}}g, 1, "the sample has the socket of shard $i");
}
my $front = Muster::Front->new(
    server => $servers[0],
    edit   => sub {
        my ($text) = @_;
        is($text =~ s/fastcgi_pass muster;/fastcgi_pass \$muster_shard;/g, 1, 'what is to be replaced is there');
        return "$sample\n$text";
    },
);
my $client = $front->client;

sub as { my ($n) = @_; return (headers => { 'X-User-Id' => "user$n\@example.org" }) }

sub users { my ($database) = @_; return sort $postgres->psql('select distinct user_id from muster_preferences', database => $database) }

my @wrong = grep { $client->post('/preferences/box', as($_), json => { n => $_ })->{status} != 204 } 1 .. $USERS;
is_deeply(\@wrong, [], 'each user writes');
my @of = map { [ users($_) ] } @databases;
cmp_ok(scalar @{ $of[$_] }, '>', $USERS / 5, "database $_ has a part of them") for 0, 1;
is_deeply([ sort map { @$_ } @of ], [ sort map { "user$_\@example.org" } 1 .. $USERS ], 'each user is in one');
@wrong = grep { ($client->get('/preferences/box/n', as($_))->{json} // '') ne $_ } 1 .. $USERS;
is_deeply(\@wrong, [], 'and reads what was written');
$client->delete('/preferences/box', as(1));
is($client->get('/preferences/box', as(1))->{status}, 404, 'what is deleted is gone');

$servers[1]->stop;
my %second = map { $_ => 1 } @{ $of[1] };
@wrong = grep { $client->get('/preferences/', as($_))->{status} != ($second{"user$_\@example.org"} ? 503 : 200) } 1 .. $USERS;
is_deeply(\@wrong, [], 'one is away: its users get 503, the others are served');
$servers[1]->start;
is($client->get('/preferences/', as($_))->{status}, 200, 'and all are') for 1 .. 6;

$_->stop for $front, @servers, $postgres;
done_testing;
