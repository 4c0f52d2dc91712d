-- Which events told of a payment: found by the provider's object.
create index inbox_object on inbox ((body #>> '{data,object,id}'));
