#!/usr/bin/perl
# 32-encoding.t: a database whose encoding is not UTF8 says so at the start; what it can't hold is
# refused with that reason, and all else works.
use v5.24;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Client qw(uri_encode);
use Muster::Front;
use Muster::Postgres;
use Muster::Server;

my $postgres = Muster::Postgres->new(database => undef);
my $WHY      = "The database can't hold a text of this request: its encoding lacks a character of it, or the text is too long there.";

# The name of a database with this encoding, a name that it holds, one that it does not.
for my $case ([ LATIN1 => 'café', 'жук' ], [ SQL_ASCII => 'жук', 'ж' x 100 ], [ UTF8 => 'ж' x 100, undef ]) {
    my ($encoding, $good, $bad) = @$case;
    subtest $encoding => sub {
        my $name = lc $encoding;
        $postgres->psql("create database $name encoding '$encoding' template template0 locale_provider libc locale 'C'", database => 'postgres');
        my $server = Muster::Server->new(postgres => $postgres, conninfo => $postgres->conninfo($name), schema => 0, start => 0, conf => { workers => 2 });
        my $other  = $encoding ne 'UTF8' ? 1 : 0;
        my $warns  = qr/warning: .*database: its encoding is $encoding, not UTF8: .*createdb --encoding UTF8/;
        my $count  = sub { return scalar(() = $_[0] =~ /$warns/g) };
        is($count->($server->init_db->{err}), $other, $other ? '--init-db says so' : '--init-db has nothing to say');
        my $check = $server->run_program(['--check-db']);
        is($check->{out}, $other ? "the encoding of the database is $encoding, not UTF8: it can't hold or compare all texts\n1 found\n" : "0 found\n", '--check-db, too');
        $server->start;
        my $front  = Muster::Front->new(server => $server);
        my $client = $front->client;
        my $path   = uri_encode($good);
        is($client->post('/entity/pool', form => { name => $good })->{status}, 201, 'what it holds is made') or return;
        is_deeply($client->get("/by-name/$path", headers => { 'Clusto-Mode' => 'compact' })->{json}, "/pool/$good", 'and found');
        is($client->put("/attribute/$path/note", form => { value => $good })->{json}[0]{value}, $good, 'as a value, too');
        is_deeply($client->get('/by-attr', query => { key => 'note', value => $good })->{json}, ["/pool/$good"], 'by which it is found');
        is_deeply($client->get('/from-pools', query => { pool => $good })->{json}, [], 'and searched');
        my %me = (headers => { 'X-User-Id' => $encoding });
        is($client->put('/preferences/a', %me, json => { text => $good })->{status}, 201, 'preferences, too');
        is_deeply($client->get('/preferences/a', %me)->{json}, { text => $good }, 'and back');
        is($count->($server->log), $other, $other ? 'the log says it once' : 'the log says nothing');
        if (defined $bad) {
            my $rows = sub { return scalar $postgres->psql('select count(*) from entities; select count(*) from entity_attrs; select count(*) from clustoversioning', database => $name) };
            my ($before, $bad_path) = ($rows->(), uri_encode($bad));
            my @requests = ([ POST => '/entity/pool', form => { name => $bad } ], [ POST => "/entity/pool?name=ok", form => { name => $bad } ]);
            push @requests, [ GET => "/by-name/$bad_path" ], [ GET => "/by-names?name=$path&name=$bad_path" ], [ GET => "/entity/pool/$bad_path" ], [ GET => "/attribute/$bad_path" ],
                [ GET => "/from-pools?pool=$bad_path" ], [ GET => "/by-attr?key=note&value=$bad_path" ], [ DELETE => "/entity/pool/$bad_path" ],
                [ PUT => "/attribute/$path/note", form => { value => $bad } ], [ PUT => '/preferences/a', %me, json => { text => $bad } ]
                if $encoding eq 'LATIN1';
            for my $request (@requests) {
                my $answer = $client->request(@$request);
                is("$answer->{status} $answer->{json}", "400 $WHY", "@$request[0, 1]: refused, with the reason");
            }
            is($rows->(), $before, 'and nothing was done');
            is($client->get("/by-name/$path")->{status}, 200, 'the next request is served');
        }
        $_->stop for $front, $server;
    };
}

$postgres->stop;
done_testing;
