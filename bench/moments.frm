* Moments of quadratic and bilinear forms in normal vectors of any dimension, without quartic: a peer for bench/moments.py.
*
*     form -D KIND=square -D POWER=4 -D ROUNDS=1 bench/moments.frm
*
* KIND=square is the mean of (x'Gx)^POWER, KIND=inner that of (x'Gy)^POWER for independent x and y. In whitened data, of
* covariance 1, G is S = Sigma^(1/2) W^T W Sigma^(1/2). Means are sums over all pairings, which FORM has as dd_; tr(n) is
* Tr[(W Sigma W^T)^n]. The derivation is repeated ROUNDS times, so that the start of the program does not count.
#-
Off Statistics;
Off FinalStats;
#ifndef `KIND'
#define KIND "square"
#endif
#ifndef `POWER'
#define POWER "2"
#endif
#ifndef `ROUNDS'
#define ROUNDS "1"
#endif
Vectors x, y;
Indices i1, i2, i3;
CTensors S(symmetric), Q(symmetric), T;
CFunctions chain, tr, even;
Symbols n, m;

#procedure traces
* Products of chains whose ends meet become traces.
repeat;
id chain(n?,i1?,i1?) = tr(n);
id chain(n?,i1?,i2?)*chain(m?,i2?,i3?) = chain(n+m,i1,i3);
id chain(n?,i1?,i2?)*chain(m?,i3?,i2?) = chain(n+m,i1,i3);
id chain(n?,i2?,i1?)*chain(m?,i2?,i3?) = chain(n+m,i1,i3);
endrepeat;
#endprocedure

#do round=1,`ROUNDS'
#if `KIND' == square
L found = S(x,x)^`POWER';
#else
L found = S(x,y)^`POWER';
ToTensor,y,T;
id T(?a) = even(nargs_(?a))*dd_(?a);
id even(n?odd_) = 0;
id even(n?) = 1;
id S(x,i1?)*S(x,i1?) = Q(x,x);
#endif
.sort
ToTensor,x,T;
id T(?a) = even(nargs_(?a))*dd_(?a);
id even(n?odd_) = 0;
id even(n?) = 1;
id S(i1?,i2?) = chain(1,i1,i2);
id Q(i1?,i2?) = chain(2,i1,i2);
#call traces
.sort
#if `round' < `ROUNDS'
Drop;
.sort
#endif
#enddo
Print +s;
.end
