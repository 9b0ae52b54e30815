#!/usr/bin/perl
# 61-preferences-concurrency.t: many writers of one document on two servers: nothing lost, nothing torn.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Time::HiRes ();
use Muster::Client qw(parallel);
use Muster::Front;
use Muster::Postgres;
use Muster::Server;

my $CLIENTS  = 16;
my $EACH     = 125;
my $READERS  = 4;
my $postgres = Muster::Postgres->new;
my @servers  = map { Muster::Server->new(postgres => $postgres, conf => { workers => 4, write_workers => 4, connect_timeout => 60000 }) } 1 .. 2;
our @fronts  = map { Muster::Front->new(server => $_) } @servers;
my $merge    = 'application/merge-patch+json';
my $patch    = 'application/json-patch+json';

# Every second client talks to the other server.
sub client {
    my ($i, $user) = @_;
    return $fronts[ $i % 2 ]->client(headers => { 'X-User-Id' => $user // 'race' }, timeout => 60);
}

sub each_client {
    my ($n, $code) = @_;
    my @results = parallel($n, $code, timeout => 240);
    my @died = grep { ref eq 'HASH' && $_->{died} } @results;
    is_deeply(\@died, [], 'every client came to its end') or diag explain \@died;
    return @results;
}

# Each client has its own way to put a key at place "clientN"/"kM" of one document, which is made
# by whoever is first.
sub put_key {
    my ($c, $i, $k) = @_;
    my $way = $i < 10 ? 'path' : (qw(number pointer merge patch path pointer))[ $i - 10 ];
    return $c->post("/preferences/shared/all/c$i/k$k", body => $k) if $way eq 'path';
    return $c->post("/preferences/shared/all/c$i/$k", body => $k) if $way eq 'number';
    return $c->post("/preferences/shared?pointer=/all/c$i/k$k", body => $k) if $way eq 'pointer';
    return $c->patch('/preferences/shared', type => $merge, body => qq({"all": {"c$i": {"k$k": $k}}})) if $way eq 'merge';
    # A JSON patch does not make what is missing on the way.
    return $c->post("/preferences/shared/all/c$i/k$k", body => $k) if $k == 0;
    return $c->patch('/preferences/shared', type => $patch, body => qq([{"op": "add", "path": "/all/c$i/k$k", "value": $k}]));
}

subtest '2,000 keys by 16 clients' => sub {
    my $done   = "$postgres->{dir}/done";
    my $writer = sub {
        my ($i) = @_;
        my $c = client($i);
        my @times;
        my $came = eval {
            for my $k (0 .. $EACH - 1) {
                my $begin  = Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
                my $answer = put_key($c, $i, $k);
                die "c$i k$k: $answer->{status} $answer->{body}\n" if $answer->{status} != 204;
                push @times, [ $begin, Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) ];
            }
            1;
        };
        my $why = $@;
        # A byte for each writer that came to its end, whichever: readers wait for no one else.
        open my $out, '>>', $done or die "$done: $!\n";
        syswrite $out, '.';
        die $why if !$came;
        return { times => \@times };
    };
    # What a reader saw: when, and how many keys of each client, which must be the first ones.
    my $reader = sub {
        my ($i) = @_;
        my $c = client($i);
        my @seen;
        while ((-s $done // 0) < $CLIENTS) {
            my $begin  = Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
            my $answer = $c->get('/preferences/shared');
            my $end    = Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
            next if $answer->{status} == 404 && !@seen;
            die "reader: $answer->{status} $answer->{body}\n" if $answer->{status} != 200;
            my ($etag) = $answer->{headers}{etag} =~ /"(\d+)"/;
            my %count;
            while (my ($name, $keys) = each %{ $answer->{json}{all} }) {
                my ($n) = $name =~ /(\d+)/;
                my @values = sort { $a <=> $b } values %$keys;
                die "reader: c$n has @values\n" if "@values" ne join ' ', 0 .. $#values;
                $count{$n} = @values;
            }
            push @seen, { begin => $begin, end => $end, etag => 0 + $etag, count => \%count };
            Time::HiRes::sleep(0.01);
        }
        return { seen => \@seen };
    };
    unlink $done;
    my @results = each_client($CLIENTS + $READERS, sub {
        my ($i) = @_;
        return $i < $CLIENTS ? $writer->($i) : $reader->($i);
    });
    my $all = client(0)->get('/preferences/shared')->{json}{all};
    my $n   = 0;
    $n += keys %$_ for values %$all;
    is($n, $CLIENTS * $EACH, 'all keys are there');
    my @times = map { $_->{times} } @results[ 0 .. $CLIENTS - 1 ];
    my (@bad, $looks);
    for my $r (@results[ $CLIENTS .. $CLIENTS + $READERS - 1 ]) {
        my $before;
        for my $look (@{ $r->{seen} }) {
            $looks++;
            for my $i (0 .. $CLIENTS - 1) {
                my $n = $look->{count}{$i} // 0;
                my $must = grep { $_->[1] < $look->{begin} } @{ $times[$i] };
                my $may  = grep { $_->[0] < $look->{end} } @{ $times[$i] };
                push @bad, "c$i: $n seen, at least $must were done" if $n < $must;
                push @bad, "c$i: $n seen, at most $may were begun"  if $n > $may;
                push @bad, "c$i: $n seen, more before"              if $before && $n < ($before->{count}{$i} // 0);
            }
            push @bad, 'the revision went back' if $before && $look->{etag} < $before->{etag};
            $before = $look;
        }
    }
    cmp_ok($looks // 0, '>', 20, 'readers looked often enough') or diag($looks);
    is_deeply([ splice @bad, 0, 10 ], [], 'and saw a prefix of the writes each time, none too old, none too new');
    # Any two looks are one after the other: neither has something of a client that the other lacks
    # while it lacks something of another client.
    my @looks = sort { $a->{etag} <=> $b->{etag} } map { @{ $_->{seen} } } @results[ $CLIENTS .. $CLIENTS + $READERS - 1 ];
    for my $i (1 .. $#looks) {
        my ($older, $newer) = @looks[ $i - 1, $i ];
        push @bad, "revision $older->{etag} has more than $newer->{etag}"
            if grep { ($older->{count}{$_} // 0) > ($newer->{count}{$_} // 0) } 0 .. $CLIENTS - 1;
    }
    is_deeply(\@bad, [], 'all readers saw the same order');
};

subtest 'a counter to 2,000 by compare and set' => sub {
    my $c0 = client(0);
    is($c0->put('/preferences/counter', body => '{"n": 0, "other": true}')->{status}, 201, 'made');
    my @ways = (
        sub { my ($c, $n, $tag) = @_; $c->post('/preferences/counter/n', body => $n + 1, headers => { 'If-Match' => $tag }) },
        sub { my ($c, $n, $tag) = @_; $c->put('/preferences/counter', body => '{"other": true, "n": ' . ($n + 1) . '}', headers => { 'If-Match' => qq("1", $tag) }) },
        sub { my ($c, $n, $tag) = @_; $c->post('/preferences/counter', body => '{"n": ' . ($n + 1) . '}', headers => { 'If-Match' => $tag }) },
        sub { my ($c, $n, $tag) = @_; $c->patch('/preferences/counter', type => $merge, body => '{"n": ' . ($n + 1) . '}', headers => { 'If-Match' => $tag }) },
        sub { my ($c, $n, $tag) = @_; $c->patch('/preferences/counter', type => $patch, body => qq([{"op": "test", "path": "/n", "value": $n}, {"op": "replace", "path": "/n", "value": ) . ($n + 1) . '}]') },
        sub { my ($c, $n, $tag) = @_; $c->post('/preferences/counter?pointer=/n', body => $n + 1, headers => { 'If-Match' => $tag }) },
    );
    my @results = each_client($CLIENTS, sub {
        my ($i) = @_;
        my $c   = client($i);
        my $way = $ways[ $i < 8 ? 0 : $i % @ways ];
        my ($done, $tries) = (0, 0);
        while ($done < $EACH) {
            my $get    = $c->get('/preferences/counter');
            my $answer = $way->($c, $get->{json}{n}, $get->{headers}{etag});
            $tries++;
            next if $answer->{status} =~ /^(?:412|409)$/;
            die "client $i: $answer->{status} $answer->{body}\n" if $answer->{status} != 204;
            $done++;
        }
        return { tries => $tries };
    });
    is($c0->get('/preferences/counter/n')->{body}, $CLIENTS * $EACH, 'each success counted once');
    my $tries = 0;
    $tries += $_->{tries} // 0 for @results;
    note("$tries tries");
    cmp_ok($tries, '>', $CLIENTS * $EACH, 'some had to try again, or this proves nothing');
};

subtest 'one container, sixteen creators' => sub {
    for my $way (
        [ 'POST empty'   => sub { $_[0]->post("/preferences/$_[1]", headers => { 'If-None-Match' => '*' }) } ],
        [ 'POST members' => sub { $_[0]->post("/preferences/$_[1]", body => '{"a": 1}', headers => { 'If-None-Match' => '*' }) } ],
        [ 'PUT'          => sub { $_[0]->put("/preferences/$_[1]", body => '{"a": 1}', headers => { 'If-None-Match' => '*' }) } ],
        [ 'POST key'     => sub { $_[0]->post("/preferences/$_[1]/a/b", body => '1', headers => { 'If-None-Match' => '*' }) } ],
        [ 'merge patch'  => sub { $_[0]->patch("/preferences/$_[1]", body => '{"a": 1}', type => $merge, headers => { 'If-None-Match' => '*' }) } ],
    ) {
        my ($name, $code) = @$way;
        my $rounds = 5;
        my %sum;
        for my $list (each_client($CLIENTS, sub { my $c = client($_[0]); return [ map { $code->($c, "$name$_" =~ s/ /-/gr)->{status} } 1 .. $rounds ] })) {
            $sum{$_}++ for @$list;
        }
        is_deeply(\%sum, { ($name eq 'PUT' ? 201 : 204) => $rounds, 412 => $rounds * ($CLIENTS - 1) }, "$name: one made it, the others did not");
    }
};

subtest 'making and deleting' => sub {
    my @results = each_client($CLIENTS, sub {
        my ($i) = @_;
        my $c = client($i, 'churn');
        my (%statuses, @tags);
        for my $k (1 .. 40) {
            my $what = ($i + $k) % 8;
            my $answer =
                  $what == 0 ? $c->delete('/preferences/it')
                : $what == 1 ? $c->delete('/preferences/')
                : $what == 2 ? $c->put('/preferences/it', body => qq({"put": {"by": $i}}))
                : $what == 3 ? $c->patch('/preferences/it', type => $merge, body => qq({"put": {"k$i": $k}}))
                : $what == 4 ? $c->delete("/preferences/it/put/k$i")
                : $what == 5 ? $c->post("/preferences/it/$i", body => $k)
                :              $c->post("/preferences/it/put/k$i", body => $k);
            $statuses{ $answer->{status} }++;
            push @tags, $answer->{headers}{etag} if $what >= 3 && $what != 4 && $answer->{headers}{etag};
        }
        return { statuses => \%statuses, tags => \@tags };
    });
    my (%sum, %tags);
    for my $r (@results) {
        $sum{$_} += $r->{statuses}{$_} for keys %{ $r->{statuses} };
        $tags{$_}++ for @{ $r->{tags} };
    }
    is_deeply([ grep { !/^20[14]$/ } keys %sum ], [], 'none was refused') or diag explain \%sum;
    is_deeply([ grep { $tags{$_} > 1 } keys %tags ], [], 'no revision was given to two writes');
};

subtest 'quotas' => sub {
    my @limited = map { Muster::Server->new(postgres => $postgres, schema => 0, conf => { workers => 4, write_workers => 4, connect_timeout => 60000, preferences_max_containers => 10, preferences_max_bytes => 10000 }) } 1 .. 2;
    local @fronts = map { Muster::Front->new(server => $_) } @limited;
    my %sum;
    for my $list (each_client($CLIENTS, sub { my ($i) = @_; my $c = client($i, 'quota'); return [ map { $c->put("/preferences/q$i-$_", body => '{}')->{status} } 1 .. 4 ] })) {
        $sum{$_}++ for @$list;
    }
    is_deeply(\%sum, { 201 => 10, 507 => 54 }, 'ten containers, no more') or diag explain \%sum;
    my $c = client(0, 'quota');
    is(scalar @{ $c->get('/preferences/')->{json} }, 10, 'ten are there');
    like($c->post('/preferences/more')->{json}, qr/10 containers/, 'the answer says why');
    is($c->post('/preferences/more/a/b', body => 1)->{status}, 507, 'nor by a path');
    is($c->patch('/preferences/more', type => $merge, body => '{}')->{status}, 507, 'nor by a patch');
    is($c->delete('/preferences/')->{status}, 204, 'all gone');
    %sum = ();
    for my $list (each_client($CLIENTS, sub { my ($i) = @_; my $c = client($i, 'quota'); return [ map { $c->post("/preferences/same/k$i-$_", body => '"' . 'x' x 990 . '"')->{status} } 1 .. 2 ] })) {
        $sum{$_}++ for @$list;
    }
    is_deeply(\%sum, { 204 => 9, 507 => 23 }, 'nine times a thousand bytes, no more') or diag explain \%sum;
    cmp_ok($postgres->psql("select sum(bytes) from muster_preferences where user_id = 'quota'"), '<=', 10000, 'in the database too');
    my ($key) = sort keys %{ $c->get('/preferences/same')->{json} };
    is($c->post("/preferences/same/$key", body => '1')->{status}, 204, 'less is always fine');
    is($c->post("/preferences/same/$key", body => '"' . 'x' x 900 . '"')->{status}, 204, 'and gives room');
    is($c->put('/preferences/same', body => '{"a": "' . 'x' x 10000 . '"}')->{status}, 507, 'the whole is measured');
    is($c->put('/preferences/other', body => '{"a": "' . 'x' x 2000 . '"}')->{status}, 507, 'all documents together');
    $postgres->psql("update muster_preferences set document = document || jsonb_build_object('over', repeat('x', 5000)) where user_id = 'quota'");
    is($c->delete("/preferences/same/$key")->{status}, 204, 'a user over quota can delete');
    is($c->post('/preferences/same/new', body => '1')->{status}, 507, 'but not add');
    is(client(0, 'another')->post('/preferences/it', body => '{}')->{status}, 204, 'others are not concerned');
};

$_->stop for @servers;
done_testing();
