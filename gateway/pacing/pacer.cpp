#include "gateway/pacing/pacer.hpp"

namespace backhand::pacing {

Pacer::Pacer(const Settings& settings)
    : budget_(settings.budget), scheduler_(settings.scheduler, settings.budget.accounts, budget_) {}

void Pacer::on_reply(Ticket& ticket, Ns replied_ns, ReplyNote note) noexcept {
  const Ticket closed = ticket;
  const std::uint64_t penalties = budget_.penalties();
  budget_.on_reply(ticket, replied_ns, note);
  if (closed.request_class == RequestClass::reversal) {
    if (note.throttled) scheduler_.on_worse(closed.account);
    scheduler_.on_book_changed(closed.account, replied_ns);
  }
  if (budget_.penalties() != penalties) scheduler_.on_all_worse();
}

void Pacer::on_no_reply(Ticket& ticket, Ns aborted_ns) noexcept {
  const Ticket closed = ticket;
  budget_.on_no_reply(ticket, aborted_ns);
  if (closed.request_class != RequestClass::reversal) return;
  scheduler_.on_worse(closed.account);
  scheduler_.on_book_changed(closed.account, aborted_ns);
}

void Pacer::on_not_written(Ticket& ticket, Ns now) noexcept {
  const Ticket closed = ticket;
  budget_.on_not_written(ticket);
  if (closed.request_class == RequestClass::reversal) scheduler_.on_book_changed(closed.account, now);
}

void Pacer::set_reversal_limit(AccountIndex account, std::uint32_t requests, Ns now) noexcept {
  budget_.set_reversal_limit(account, requests);
  scheduler_.on_worse(account);
  scheduler_.on_book_changed(account, now);
}

void Pacer::set_shape(AccountIndex account, Shape shape, Ns now) noexcept {
  budget_.set_shape(account, shape);
  scheduler_.on_worse(account);
  scheduler_.on_book_changed(account, now);
}

void Pacer::recall_reversal(AccountIndex account, Ns now) noexcept {
  budget_.recall_reversal(account, now);
  scheduler_.on_book_changed(account, now);
}

}  // namespace backhand::pacing
