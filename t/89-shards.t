# 89-shards.t: preferences in two databases, as etc/nginx-shards.conf divides the users: each is in one of them, always
# the same, and when one is away its users alone get 503. A server refuses the users of others, whom it finds by nginx's
# own hash.
use v5.24;
use warnings;
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(slurp source_dir);
use Muster::Server;
use Test::More;

my $USERS    = 300;
my $postgres = Muster::Postgres->new;
$postgres->psql('create database second', database => 'postgres');
my @databases = qw(muster second);
my @servers   = map { Muster::Server->new(conninfo => $postgres->conninfo($databases[$_]), conf => { workers => 1, shard => "$_/2" }) } 0, 1;
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

# Strangers. Their own server is the other one.
my @direct   = map { Muster::Front->new(server => $_) } @servers;
my @clients  = map { $_->client } @direct;
my ($mine)   = $of[1][0] =~ /(\d+)/;
my $before   = join ',', $postgres->psql('select revision from muster_preferences order by revision', database => 'muster');
my @requests = (
    [ 'get',    '/preferences/' ],
    [ 'get',    '/preferences/?changes' ],
    [ 'get',    '/preferences/box' ],
    [ 'post',   '/preferences/box', json => { n => 1 } ],
    [ 'put',    '/preferences/box', json => {} ],
    [ 'patch',  '/preferences/box', body => '{}', type => 'application/merge-patch+json' ],
    [ 'delete', '/preferences/box' ],
    [ 'delete', '/preferences/' ],
    [ 'post',   '/preferences/new/a/b', json => 1 ],
);
for my $request (@requests) {
    my ($method, $path, @more) = @$request;
    my $answer = $clients[0]->$method($path, as($mine), @more);
    is($answer->{status}, 421, uc($method) . " $path of a stranger is refused");
    is($answer->{reason}, 'Misdirected Request', '  by its name');
    is($answer->{json}, qq{The preferences of 'user$mine\@example.org' are in shard 1 of 2 (counted from 0); this server has shard 0.}, '  which says what is right');
}
is(join(',', $postgres->psql('select revision from muster_preferences order by revision', database => 'muster')), $before, 'nothing was written');
is($clients[1]->get('/preferences/box/n', as($mine))->{json}, $mine, 'where the user is at home all is as it was');
is($clients[0]->get('/preferences/')->{status}, 401, 'nobody is nobody\'s stranger');
is($clients[0]->get('/entity/')->{status}, 200, 'the inventory is for everybody');
$_->stop for @direct;

# Parts of any size, and names of any length, against the real thing: nginx says in a header which part it takes.
my $parts = '12.5% 33.33% 0.37% *';
my $odd   = Muster::Server->new(conninfo => $postgres->conninfo('second'), schema => 0, conf => { workers => 1, shard => "0/$parts" });
my $split = join '', map { "$_; " } map { (split ' ', $parts)[$_] . " $_" } 0 .. 3;
my $tells = Muster::Front->new(
    server => $odd,
    edit   => sub {
        my ($text) = @_;
        is($text =~ s/(?=add_header Access-Control-Allow-Origin +\$muster_origin)/add_header X-Part \$part always;\n/g, 1, 'nginx tells which part it takes');
        return qq{split_clients "\$http_x_user_id" \$part { $split }\n$text};
    },
);
my $asks = $tells->client;
my (%seen, @differ);
for my $n (1 .. $USERS) {
    my $name   = $n % 3 == 0 ? "J\xc3\xbcrgen$n" : 'u' x ($n % 40) . $n;
    my $answer = $asks->get('/preferences/', headers => { 'X-User-Id' => $name });
    my $part   = $answer->{headers}{'x-part'} // 'none';
    my $said   = $answer->{status} == 200 ? 0 : $answer->{body} =~ /are in shard (\d+) of 4/ ? $1 : "status $answer->{status}";
    $seen{$part}++;
    push @differ, "$name: $part, $said" if $part ne $said;
}
is_deeply(\@differ, [], "nginx and Muster divide $USERS users alike");
cmp_ok(keys %seen, '>=', 3, 'among several parts');
$_->stop for $tells, $odd;

$servers[1]->stop;
my %second = map { $_ => 1 } @{ $of[1] };
@wrong = grep { $client->get('/preferences/', as($_))->{status} != ($second{"user$_\@example.org"} ? 503 : 200) } 1 .. $USERS;
is_deeply(\@wrong, [], 'one is away: its users get 503, the others are served');
$servers[1]->start;
is($client->get('/preferences/', as($_))->{status}, 200, 'and all are') for 1 .. 6;

$_->stop for $front, @servers, $postgres;
done_testing;
